"""What pages name is there: files of the repository, and tests that are said to prove something."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("**/*.md"))
PAGES = [page for page in PAGES if "node_modules" not in page.parts] + [ROOT / "README.md", ROOT / "SECURITY.md"]
NAMED = re.compile(r"`((?:tests|service|examples|loadtests|helm|guard)/[\w./-]+\.[a-z]+)(?:::(\w+))?`")
EXPLANATION = ROOT / "docs" / "explanation"


def _functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    missing = []
    for file, function in NAMED.findall(page.read_text()):
        if not (ROOT / file).exists() or (function and function not in _functions(ROOT / file)):
            missing.append(f"{file}::{function}" if function else file)
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_by_the_name_of_a_file_or_of_a_webhook_leads_there(page: Path) -> None:
    where = {"README": "README.md", "webhook": "users-elsewhere.md"}
    links = re.findall(r"\[(?:a |its )?(README|webhook)[^\]]*\]\(([^)#]*)", page.read_text())
    assert [target for word, target in links if where[word] not in target] == []


def test_every_promise_and_threat_names_a_test() -> None:
    promises = re.findall(r"^\| (P\d) \|.*", (EXPLANATION / "promises.md").read_text(), re.MULTILINE)
    assert promises == [f"P{number}" for number in range(1, 10)]
    threats = (
        (EXPLANATION / "threat-model.md").read_text().partition("## RFC 9700 section 2")[2].partition("## OWASP")[0]
    )
    rows = [row for row in re.findall(r"^\| .*", threats, re.MULTILINE) if "tried by" not in row]
    sections = [row.split()[1] for row in rows]
    assert [one for one in sections if one.startswith("4.")] == [f"4.{number}" for number in range(1, 18)]
    assert not [row for row in rows if "`tests/" not in row]


@pytest.mark.parametrize("page", sorted((EXPLANATION / "decisions").glob("0*.md")), ids=lambda page: page.stem)
def test_a_decision_says_why_what_it_costs_and_what_proves_it(page: Path) -> None:
    text = page.read_text()
    for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Proved by**"):
        assert part in text
    assert f"({page.name})" in (page.parent / "index.md").read_text()


def test_the_architecture_names_every_room() -> None:
    text = (EXPLANATION / "architecture.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "service").glob("*/__init__.py")}
    assert not [room for room in rooms if f"`{room}`" not in text]
