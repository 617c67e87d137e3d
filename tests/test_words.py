"""The words of the house: what was replaced by the field's own word, in names or in sentences, does not come back."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("service", "guard", "loadtests", "helm", "release", "docs", "examples")
PYTHON = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "node_modules" not in path.parts]
LUA = sorted((ROOT / "service" / "store" / "lua").rglob("*.lua"))

REPLACED_NAMES = {
    "told": "claims, or report",
    "untold": "flush",
    "tell": "notify, report or log",
    "telling": "notification",
    "asking": "interaction, or request",
    "asked": "requested, or the kind of request",
    "vouches": "may_assert_subjects",
    "vouching": "assertion",
    "stranger": "trusted issuer, or registered openly",
    "strangers": "trusted issuers, or registered openly",
    "walk": "scan",
    "walked": "scan",
    "looked": "scan, page",
    "amend": "update",
    "beside": "background, or what it is",
    "whoever": "caller",
    "somebody": "caller, user",
    "stage": "step",
}
"""Words that no name is made of, and what to say instead."""

REPLACED_PHRASES = {
    r"\b(un)?told\b": "claims; notified, reported",
    r"\bwhoever\b": "the caller, the operator, the client",
    r"\bsomebody\b": "the user, the caller, an operator",
    r"\bstrangers?\b": "unknown callers; clients that registered openly; a trusted issuer",
    r"\bhalf a character\b": "an unpaired surrogate",
    r"\bgoes on for ever\b": "a background task",
    r"\bfor ever\b": "without an end; 0: unlimited",
    r"\bthe word of\b": "an assertion, a trusted issuer",
    r"\bstands behind\b": "grant_is_current",
}
"""Phrases of no docstring, comment, message or help, and what to say instead."""


def _names(source: str) -> list[tuple[int, str]]:
    """Every name that a file gives to anything, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.append((node.lineno, name))
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.append((node.lineno, name))
    return found


def _replaced_names(source: str) -> list[str]:
    return [
        f"{line}: {name}: say {REPLACED_NAMES[word]}"
        for line, name in _names(source)
        for word in re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().split("_")
        if word in REPLACED_NAMES
    ]


def _replaced_phrases(source: str) -> list[str]:
    if not re.search("|".join(REPLACED_PHRASES), source):
        return []
    return [
        f"{line}: {found[0]!r}: say {instead}"
        for line, text in enumerate(source.splitlines(), 1)
        for phrase, instead in REPLACED_PHRASES.items()
        if (found := re.search(phrase, text))
    ]


def test_names_are_words_of_the_house() -> None:
    faults = [f"{path.relative_to(ROOT)}:{fault}" for path in PYTHON for fault in _replaced_names(path.read_text())]
    assert not faults, "\n".join(faults)


def test_sentences_use_words_of_the_house() -> None:
    paths = (*PYTHON, *LUA)
    faults = [f"{path.relative_to(ROOT)}:{fault}" for path in paths for fault in _replaced_phrases(path.read_text())]
    assert not faults, "\n".join(faults)


def test_a_replaced_word_is_found_wherever_it_may_be() -> None:
    source = """class Told:
    '''What strangers send.'''


def tell_all(asked: str) -> str:  # for whoever asks
    return f"{asked} is told"
"""
    assert [fault.partition(":")[0] for fault in _replaced_names(source)] == ["1", "5", "5"]
    assert [fault.partition(":")[0] for fault in _replaced_phrases(source)] == ["2", "5", "6"]
