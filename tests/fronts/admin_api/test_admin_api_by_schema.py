"""Every operation of the OpenAPI document, called by schemathesis in a test process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.fronts.admin_api.openapi import document

ROOT = Path(__file__).parents[3]
CASES = Path(__file__).with_name("schema_cases.py")


@pytest.mark.slow
def test_anything_is_answered_as_the_document_says() -> None:
    """What failed there is in the output, with the call that did it."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "schemathesis.pytest.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, str(CASES)], cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    operations = sum(len(methods) for methods in document()["paths"].values())
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > operations, "every operation by itself, and some about what is there"
