"""The commands of docs/how-to/workloads.md, as they stand there."""

import shlex

from tests.cli.command_line import CommandLine
from tests.pages import Page

FIRST = Page("how-to/workloads.md").blocks("console")[0]
GITHUB = "https://token.actions.githubusercontent.com"


def test_an_operator_lets_a_ci_job_be_a_client(mintmark: CommandLine) -> None:
    commands = [shlex.split(line) for line in FIRST.replace("\\\n", " ").splitlines()]
    assert [command[:3] for command in commands] == [["mintmark", "trust", "add"], ["mintmark", "client", "create"]]
    trusted, created = (mintmark(*command[1:], "--json").json for command in commands)
    assert (trusted["issuer"], trusted["uses"], trusted["jwks_uri"]) == (GITHUB, ["client-authentication"], None)
    assert (created["auth_method"], created["federated_issuer"]) == ("federated_jwt", GITHUB)
    assert created["federated_subject"] == "repo:acme/shop:environment:production"
    assert created["federated_claims"] == ["repository_id=74"]
    assert created.get("client_secret") is None


def test_what_is_missing_or_cannot_be_read_is_said(mintmark: CommandLine) -> None:
    client = ("client", "create", "ci", "--auth-method", "federated_jwt", "--grant-type", "client_credentials")
    assert "needs --federated-issuer and --federated-subject" in mintmark(*client, code=2).err
    names = ("--federated-issuer", GITHUB, "--federated-subject", "x")
    for wrong in ("repository", "=74", "repository=", "//a=b"):
        assert "NAME=VALUE" in mintmark(*client, *names, "--federated-claim", wrong, code=2).err
