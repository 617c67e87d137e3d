"""Audience is visible: when a client is made, when a token is inspected, and when an API asks about one that is not for it."""

import pytest

from tests.cli.command_line import CommandLine

BOTH_WAYS = True
API = "https://api.example"
CRON = ("--grant-type", "client_credentials", "--scope", "read")
EXCHANGE = ("--grant-type", "urn:ietf:params:oauth:grant-type:token-exchange", "--scope", "read")
SIGN_IN = ("--grant-type", "authorization_code", "--redirect-uri", "https://app.example/cb")


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        (CRON, True),
        ((*CRON, "--audience", API), False),
        ((*SIGN_IN, "--scope", "openid profile email"), False),
        ((*SIGN_IN, "--scope", "openid orders", "--auth-method", "none"), True),
        (("--introspect", "--resource", API), False),
        ((*EXCHANGE, "--exchange-audience", API), False),
        (EXCHANGE, False),
        ((*CRON, *EXCHANGE), True),
    ],
    ids=[
        "job",
        "job with audience",
        "sign-in alone",
        "single-page app that calls an API",
        "API",
        "API that exchanges",
        "API that exchanges for itself",
        "agent with tokens of its own",
    ],
)
def test_a_client_whose_tokens_no_api_takes_is_told_so_at_once(
    mintmark: CommandLine, options: tuple[str, ...], is_told: bool
) -> None:
    created = mintmark("client", "create", "web", *options)
    assert ("mintmark client update web --audience" in created.err) == is_told
    mintmark("client", "delete", "web", "--yes")
    assert ("hints" in mintmark("client", "create", "web", *options, "--json").json) == is_told


def test_the_help_says_how_the_two_go_together(mintmark: CommandLine) -> None:
    told = " ".join(mintmark("client", "create", "--help").out.replace("│", " ").split())
    assert "APIs that it calls" in told
    assert "have one of them among their audiences" in told
