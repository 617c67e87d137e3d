"""What how-to pages and the tutorial let their readers type in the folder of a checkout, beside ``make run``."""

import re
import subprocess
from collections import Counter

from service.dev.demo import CLIENT_ID, USERNAME
from tests.docs.test_named_files import PAGES, ROOT
from tests.docs.test_ways_to_install import BESIDE_THE_DEMO

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


def test_no_two_pages_beside_the_demo_make_one_client_or_user() -> None:
    """Nor one that the demo has: the second page's command would fail."""
    made = Counter([f"client {CLIENT_ID}", f"user {USERNAME}"])
    for page in PAGES:
        if BESIDE_THE_DEMO in page.read_text():
            commands = "\n".join(TYPED[page.name])
            made.update({" ".join(found) for found in re.findall(r"mintmark (client|user) create ([\w-]+)", commands)})
    assert len(made) > 20
    assert [name for name, pages in made.items() if pages > 1] == []


def test_no_two_pages_save_one_program() -> None:
    saved = Counter(
        name
        for page in PAGES
        if page.name in TYPED
        for name in set(re.findall(r"[Ss]aved? (?:\w+ )?as `(\w+\.py)`", page.read_text()))
    )
    assert {"app.py", "main.py"} <= saved.keys()
    assert [name for name, pages in saved.items() if pages > 1] == []


def test_what_is_installed_and_run_has_an_environment_of_its_own() -> None:
    """The Python that a machine has may lack pip, refuse it, or be older than ours."""
    bare = re.compile(r"(?:^|&& |\| )((?:pip3?|python|flask|uvicorn|gunicorn) .*)", re.MULTILINE)
    assert {page: found for page, blocks in TYPED.items() if (found := bare.findall("\n".join(blocks)))} == {}
