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


def test_members_that_another_authentication_method_reads_are_told_of(mintmark: CommandLine) -> None:
    job = ("--grant-type", "client_credentials", "--audience", "https://api.example", "--scope", "read")
    created = mintmark("client", "create", "job", *job, "--federated-issuer", "https://ci.example")
    told = "federated_issuer: of no effect, as it authenticates by client_secret; auth_method federated_jwt reads this."
    assert told in created.err
    assert told in mintmark("client", "update", "job", "--federated-issuer", "https://other.example").err
    assert "federated_issuer: of" not in mintmark("client", "update", "job", "--name", "Job").err, (
        "not with each change"
    )
    assert "hints" not in mintmark("client", "update", "job", "--unset", "federated_issuer", "--json").json
    assert mintmark("client", "show", "job", "--json").json["federated_issuer"] is None


def test_a_client_that_exchanges_from_none_is_told_of(mintmark: CommandLine) -> None:
    mintmark("client", "create", "web", "--grant-type", "client_credentials")
    exchanging = ("--grant-type", "urn:ietf:params:oauth:grant-type:token-exchange", "--scope", "read")
    created = mintmark("client", "create", "gateway", *exchanging, "--exchange-from", "web", "--exchange-from", "wbe")
    assert "exchange_from: there is no client wbe yet." in created.err
    created = mintmark("client", "create", "open", *exchanging, "--exchange-from", "*")
    assert "exchange_from" not in created.err
