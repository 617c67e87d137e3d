"""What how-to pages and the tutorial let their readers type in the folder of a checkout, beside ``make run``."""

import re
import subprocess

from tests.docs.test_named_files import PAGES, ROOT

BLOCK = re.compile(r"^```(?:console|sh)\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPED = {page.name: BLOCK.findall(page.read_text()) for page in PAGES if page.parent.name in ("how-to", "tutorial")}
SECRET_FILE = re.compile(r"(?:>|\btee) ([\w./-]*(?:token|header|master_key))\b")
SECRET_FOLDER = re.compile(r"--secrets(?:-to)? (\S+)")


def test_secrets_that_are_written_there_are_ignored_by_git() -> None:
    blocks = "\n".join(block for found in TYPED.values() for block in found)
    files = {*SECRET_FILE.findall(blocks), *(f"{folder}/x" for folder in SECRET_FOLDER.findall(blocks))}
    assert {"operator.token", "alice.token", "secrets/master_key"} <= files
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert files - set(ignored.stdout.split()) == set()
