"""Commands that a page names, in a sentence or a block, are commands: they exist, and so do their options.

What a how-to lets its readers type is run by tests of its own; here nothing is run, but everything is read.
"""

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from service.cli.program import program
from tests.docs.test_named_files import PAGES, ROOT

FURTHER = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "guard/README.md", "helm/mintmark/README.md")]
BLOCK = re.compile(r"^```(?:console|sh|bash)\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:MINTMARK_\w+=\S+ )*mintmark [^`]+)`")
LINE = re.compile(r"(?:^\s*(?:\w+=\S+\s+)*|bin/|[(|]\s*)(mintmark [a-z-].*)")
_HELP = {"-h", "--help"}


@cache
def _root() -> Any:
    return typer.main.get_command(program())


def _commands(text: str) -> list[str]:
    """Command lines of ``mintmark``, in blocks with continued lines joined; and those in sentences."""
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    in_blocks = [found[1] for line in lines if (found := LINE.search(line.partition(" #")[0]))]
    return [*in_blocks, *SPAN.findall(BLOCK.sub("", text))]


def _words(command: str) -> list[str]:
    """The words behind ``mintmark``, up to what a shell does with the outcome."""
    command = re.sub(r"\$\([^)]*\)", "$X", command.partition("mintmark ")[2])
    command = re.split(r"\)|\s[|>;]|&&|\|\|", command)[0]
    try:
        return shlex.split(command)
    except ValueError:  # a quote that goes on in the next line
        return command.split()


def _fault(words: list[str]) -> str:
    """What is wrong with it; alternatives (``list | rotate``) and words that stand for something are let through."""
    command, rest = _root(), list(words)
    while rest:
        options = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts) if flag.startswith("-")}
        takes = {flag for one in command.params if not getattr(one, "is_flag", False) for flag in one.opts}
        word = rest.pop(0)
        flag = word.partition("=")[0]
        if flag in _HELP or word in ("…", "..."):
            continue
        if word.startswith("-") and word != "-":
            if flag not in options and "…" not in word and not re.fullmatch(r"-\d+", word):
                return f"no option {flag}"
            if flag in takes and "=" not in word and rest:
                rest.pop(0)
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return "" if "…" in word else f"no command {word}"
            command = command.commands[word]
    return ""


@pytest.mark.parametrize("page", [*PAGES, *FURTHER], ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_names_are_there(page: Path) -> None:
    faults = [f"{command}: {fault}" for command in _commands(page.read_text()) if (fault := _fault(_words(command)))]
    assert not faults


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("`mintmark key list`", ""),
        ("`mintmark client creat x`", "no command creat"),
        ("`mintmark client create x --nope`", "no option --nope"),
        ("```console\nX=1 mintmark usr list | cat\n```", "no command usr"),
    ],
)
def test_what_is_no_command_is_found(page: str, fault: str) -> None:
    (command,) = _commands(page)
    assert _fault(_words(command)) == fault
