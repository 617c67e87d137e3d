"""How pages, READMEs and messages tell people to install, and where their commands are found."""

import re

import pytest

from tests.docs.test_named_files import PAGES, ROOT

TOLD = [
    *PAGES,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "guard/README.md", "helm/mintmark/README.md")),
    *(path for folder in ("service", "guard/mintmark_guard", "examples") for path in (ROOT / folder).rglob("*.py")),
]
BY_NAME = re.compile(r"pip3? install\b[^`\n]*?[ '\"]mintmark(?:-guard)?(?![\w.:/-])|mintmark(?:-guard)?\[\w+\]")
"""Neither name is ours on PyPI: an index would bring what somebody else wrote."""
COMMANDS = re.compile(r"^```(?:console|sh|bash)\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
BARE = re.compile(r"(?:^|[|(&] *|\w=\S+ |\$\()mintmark [a-z]", re.MULTILINE)
BESIDE_THE_DEMO = (
    'in its folder, type first: `export PATH="$PATH:$PWD/.venv/bin" MINTMARK_SECRETS_DIR="$PWD/.mintmark"`'
)
OF_AN_INSTALLATION = "(run.md#install)"


def test_nothing_is_installed_by_a_name_that_is_not_ours() -> None:
    told = {str(path.relative_to(ROOT)): BY_NAME.search(path.read_text()) for path in TOLD}
    assert {name: found[0] for name, found in told.items() if found} == {}


@pytest.mark.parametrize(
    ("told", "is_by_name"),
    [
        ("pip install 'mintmark[mcp]'", True),
        ("pip install -q mintmark-guard", True),
        ("pip install mintmark", True),
        ("pip install -e '.[mcp]' in the checkout of Mintmark", False),
        ("pip install './guard[redis]'", False),
    ],
)
def test_a_name_is_told_from_a_folder(told: str, is_by_name: bool) -> None:
    assert bool(BY_NAME.search(told)) is is_by_name


def test_a_page_says_where_its_commands_are_found() -> None:
    pages = {page.name: page.read_text() for page in PAGES if page.parent.name in ("how-to", "tutorial")}
    bare = {name for name, text in pages.items() if any(BARE.search(block) for block in COMMANDS.findall(text))}
    assert len(bare) > 30
    explained = {name for name, text in pages.items() if BESIDE_THE_DEMO in text or OF_AN_INSTALLATION in text}
    assert bare - explained == {"run.md"}, "where `mintmark` is found stands on that page itself"


@pytest.mark.parametrize("name", ["fastapi", "flask", "django", "mcp"])
def test_a_program_to_save_is_the_example(name: str) -> None:
    """But for the sentences at the example's top."""
    example = re.sub(r'\A""".*?"""\n\n', "", (ROOT / "examples" / f"{name}_api.py").read_text(), flags=re.DOTALL)
    programs = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/how-to" / f"{name}.md").read_text(), re.M | re.S)
    assert example in programs
