"""tests/README.md tells the truth: what it names exists, and names the id in return."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
IDS, _, CONFORMANCE = (TESTS / "README.md").read_text().partition("\n## The OpenID Foundation's conformance tests\n")
ROWS = re.findall(r"^\| ([A-Z]{2}-\d\d) \| .+? \| (.+) \|$", IDS, re.MULTILINE)
PROOFS = [(row_id, proof) for row_id, cell in ROWS for proof in re.findall(r"`(\S+\.py::\S+)`", cell)]


def _source(path: Path, name: str) -> str:
    """A test with its decorators, as text; empty where there is none."""
    text = path.read_text() if path.exists() else ""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return ""


@pytest.mark.parametrize(("row_id", "proof"), PROOFS)
def test_the_proof_exists_and_names_its_id(row_id: str, proof: str) -> None:
    path, _, name = proof.partition("::")
    assert row_id in _source(TESTS / path, name)


def test_every_id_has_one_row_and_a_proof_or_a_reason() -> None:
    ids = [row_id for row_id, _ in ROWS]
    assert len(ids) == len(set(ids))
    without = {row_id for row_id in ids if row_id not in {proven for proven, _ in PROOFS}}
    assert all(cell.startswith("later: ") or row_id == "WM-30" for row_id, cell in ROWS if row_id in without)


@pytest.mark.parametrize("proof", re.findall(r"`(\S+\.py::\S+)`", CONFORMANCE))
def test_the_test_for_a_conformance_module_exists(proof: str) -> None:
    path, _, name = proof.partition("::")
    assert _source(TESTS / path, name)
