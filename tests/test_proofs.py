"""tests/README.md: what it names is there. That a test runs the code of its row is checked where it runs, by ``proofs``."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests import proofs
from tests.proofs import CONFORMANCE, NAMED, PROVED_BY, ROWS, TESTS


def _tests_of(path: Path) -> set[str]:
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, functions)}


def test_every_test_and_file_that_is_named_exists() -> None:
    named = {*PROVED_BY, *re.findall(NAMED, CONFORMANCE)}
    files = {test.partition("::")[0] for test in named}
    there = {f"{file}::{name}" for file in files if (TESTS / file).exists() for name in _tests_of(TESTS / file)}
    assert not named - there
    assert not [file for row in ROWS for file in row.files if not file.exists()]


def test_every_id_has_one_row_and_a_proof_or_a_reason() -> None:
    ids = [row.row_id for row in ROWS]
    assert len(ids) == len(set(ids))
    assert {row.row_id for row in ROWS if not (row.tests and row.files)} == {"WM-30"}


def test_a_proof_that_does_not_run_the_code_of_its_row_fails() -> None:
    name, profiling = next(iter(PROVED_BY)), sys.getprofile()
    with pytest.raises(AssertionError, match=PROVED_BY[name][0].row_id), proofs.checked(f"tests/{name}[some-param]"):
        pass
    with proofs.checked("tests/of_no_row.py::test"):
        assert sys.getprofile() is profiling
