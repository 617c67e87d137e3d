"""The commands of the how-to pages, as they stand there: each block of ``sh`` that has nothing but ``mintmark`` in it."""

import shlex

import pytest

from service.dev.demo import PASSWORD, USERNAME
from tests.cli.command_line import CommandLine
from tests.docs.test_ways_to_install import BESIDE_THE_DEMO
from tests.pages import DOCS, Page


def _commands(block: str) -> list[tuple[str, list[str]]]:
    """What each line gives on standard input, and its arguments; none where something else stands there, too."""
    commands = []
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        stdin = ""
        if words[:1] == ["export"]:
            commands.append(("", words))
            continue
        if words[:1] == ["echo"] and words[2:3] == ["|"]:
            stdin, words = words[1] + "\n", words[3:]
        if words[:1] != ["mintmark"]:
            return []
        commands.append((stdin, words[1:]))
    return commands


PAGES = {
    path.name: found
    for path in sorted((DOCS / "how-to").glob("*.md"))
    if (found := [command for block in Page(f"how-to/{path.name}").blocks("sh") for command in _commands(block)])
}


@pytest.mark.parametrize("name", PAGES)
def test_an_operator_types_what_the_page_says(mintmark: CommandLine, name: str) -> None:
    mintmark.variables["MINTMARK_MASTER_KEY"] = "m" * 43
    if BESIDE_THE_DEMO in Page(f"how-to/{name}").text:
        mintmark("user", "create", USERNAME, "--password-stdin", stdin=f"{PASSWORD}\n")
    for stdin, arguments in PAGES[name]:
        if arguments[0] == "export":
            for variable, _, value in (word.partition("=") for word in arguments[1:]):
                mintmark.variables[variable] = value
        else:
            mintmark(*arguments, stdin=stdin)


def test_the_pages_about_other_software_have_their_commands() -> None:
    for name in ("apache", "argo-cd", "gitlab", "grafana", "kubelogin", "oauth2-proxy", "spring"):
        assert f"{name}.md" in PAGES
