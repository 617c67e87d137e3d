"""``mintmark grant …``."""

import asyncio
import re

import orjson
import pytest

from service.app import open_issuer
from service.endpoints import token
from service.protocol.request import Request
from tests.cli.command_line import CommandLine
from tests.world import basic, settings_for

BOTH_WAYS = True
"""Here and by the URL of a running service."""

SECRET = "imported-secret"
GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token")
MEMBERS = {
    *("grant_id", "client_id", "subject", "username", "grant_type", "scope", "audience", "active", "issued_at"),
    *("ends_at", "auth_time", "acr", "amr", "properties"),
}


@pytest.fixture(autouse=True)
def _client_and_user(mintmark: CommandLine) -> None:
    types = [option for name in GRANT_TYPES for option in ("--grant-type", name)]
    options = ("--redirect-uri", "https://app.example/cb", "--scope", "read write", "--default-scope", "read")
    mintmark("client", "create", "web", *types, *options, "--secret-stdin", stdin=SECRET)
    mintmark("user", "create", "alice", "--no-password")


def ask(mintmark: CommandLine, **form: str) -> dict[str, object]:
    """The answer to a token request of the client."""

    async def inside() -> dict[str, object]:
        async with open_issuer(settings_for(mintmark.variables["MINTMARK_REDIS_URL"]), listen=False) as issuer:
            decision = await token.decide(issuer, Request(form, basic("web", SECRET)["Authorization"]))
            answer: dict[str, object] = orjson.loads(decision.content)
            return answer

    return asyncio.run(inside())


def code(mintmark: CommandLine, *options: str) -> str:
    return str(mintmark("grant", "code", "--client", "web", "--user", "alice", *options, "--json").json["code"])


def test_a_code_is_printed_alone(mintmark: CommandLine) -> None:
    done = mintmark("grant", "code", "--client", "web", "--user", "alice")
    assert re.fullmatch(r"mm_ac_[A-Za-z0-9_-]{65}\n", done.out)
    assert done.err == "The code is good for 60 seconds, once.\n"
    answer = ask(mintmark, grant_type="authorization_code", code=done.out.strip())
    assert answer["scope"] == "read"
    assert "refresh_token" in answer


def test_a_code_as_json_has_two_members(mintmark: CommandLine) -> None:
    mintmark("client", "update", "web", "--code-lifetime", "30")
    issued = mintmark("grant", "code", "--client", "web", "--user", "alice", "--json").json
    assert set(issued) == {"code", "expires_in"}
    assert issued["expires_in"] == 30


def test_every_option_arrives(mintmark: CommandLine) -> None:
    mintmark("client", "update", "web", "--audience", "https://a.example", "--audience", "https://b.example")
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    options = ("--scope", "read write", "--redirect-uri", "https://app.example/cb", "--code-challenge", challenge)
    properties = ("--property", "tenant=42:token:introspection", "--property", "n:=[1]:introspection")
    issued = code(mintmark, *options, "--resource", "https://b.example", *properties)
    form = {"redirect_uri": "https://app.example/cb", "code_verifier": verifier}
    answer = ask(mintmark, grant_type="authorization_code", code=issued, **form)
    assert (answer["scope"], answer["tenant"]) == ("read write", "42")
    shown = mintmark("grant", "show", issued[6:28], "--json").json
    assert set(shown) == MEMBERS
    assert (shown["scope"], shown["audience"], shown["active"]) == ("read write", ["https://b.example"], True)
    assert shown["properties"] == [
        {"name": "tenant", "value": "42", "in_token_response": True, "in_introspection": True},
        {"name": "n", "value": [1], "in_token_response": False, "in_introspection": True},
    ]


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--client", "web", "--user", "nobody"), 1, "there is no user 'nobody'"),
        (("--client", "nobody", "--user", "alice"), 1, "there is no client 'nobody'"),
        (("--client", "web", "--user", "alice", "--scope", "admin"), 1, "invalid_scope: The scope admin"),
        (
            ("--client", "web", "--user", "alice", "--redirect-uri", "https://evil/"),
            1,
            "--redirect-uri is not registered",
        ),
        (
            ("--client", "web", "--user", "alice", "--code-challenge", "x"),
            1,
            "--code-challenge must be the 43 characters",
        ),
        (("--client", "web", "--user", "alice", "--code-challenge-method", "S256"), 1, "without --code-challenge"),
        (
            ("--client", "web", "--user", "alice", "--property", "iss=x:token"),
            2,
            "--property: iss is a registered member",
        ),
        (("--client", "web", "--user", "alice", "--property", "x"), 2, "NAME=VALUE"),
        (("--client", "web"), 2, "--user"),
    ],
)
def test_a_code_that_is_refused_says_why(mintmark: CommandLine, options: tuple[str, ...], code: int, text: str) -> None:
    done = mintmark("grant", "code", *options, "--json", code=code)
    assert text in " ".join(done.err.replace("│", "").split())
    assert done.out == ""


def test_grants_are_listed_by_user_or_client(mintmark: CommandLine) -> None:
    codes = {code(mintmark)[6:28] for _ in range(3)}
    alone = str(ask(mintmark, grant_type="client_credentials")["access_token"])[6:28]
    of_user = mintmark("grant", "list", "--user", "alice", "--json").json
    assert set(of_user) == {"grants", "cursor"}
    assert {grant["grant_id"] for grant in of_user["grants"]} == codes
    assert set(of_user["grants"][0]) == MEMBERS
    of_client = mintmark("grant", "list", "--client", "web", "--json").json
    assert {grant["grant_id"] for grant in of_client["grants"]} == codes | {alone}
    table = mintmark("grant", "list", "--user", "alice")
    assert {line.split()[0] for line in table.out.splitlines()} == codes | {"grant_id"}
    assert table.err == "3 grants\n"
    page = mintmark("grant", "list", "--user", "alice", "--limit", "1", "--json").json
    assert len(page["grants"]) == 1
    rest = mintmark("grant", "list", "--user", "alice", "--cursor", page["cursor"], "--json").json
    assert {grant["grant_id"] for grant in page["grants"] + rest["grants"]} == codes
    mintmark("grant", "list", code=2)
    mintmark("grant", "list", "--user", "alice", "--client", "web", code=2)


def test_one_grant_is_revoked(mintmark: CommandLine) -> None:
    grant_id = code(mintmark)[6:28]
    assert mintmark("grant", "show", grant_id).out.split()[:2] == ["grant_id", grant_id]
    assert mintmark("grant", "revoke", grant_id, "--json").json == {"grant_id": grant_id, "grants_ended": 1}
    for command in ("show", "revoke"):
        assert f"there is no grant {grant_id}" in mintmark("grant", command, grant_id, code=1).err
    assert "a grant id has 22" in mintmark("grant", "revoke", "*", code=1).err


def test_the_grant_of_the_client_itself_is_shown_and_revoked(mintmark: CommandLine) -> None:
    grant_id = str(ask(mintmark, grant_type="client_credentials")["access_token"])[6:28]
    assert mintmark("grant", "show", grant_id, "--json").json["grant_type"] == "client_credentials"
    mintmark("grant", "revoke", grant_id)
    mintmark("grant", "show", grant_id, code=1)


def test_many_grants_are_revoked_and_counted(mintmark: CommandLine) -> None:
    for _ in range(3):
        code(mintmark)
    assert "say --yes" in mintmark("grant", "revoke", "--user", "alice", code=2).err
    assert "say --yes" in mintmark("grant", "revoke", "--client", "web", code=2).err
    ended = mintmark("grant", "revoke", "--user", "alice", "--client", "web", "--yes", "--json").json
    assert ended == {"user": "alice", "client": "web", "grants_ended": 3}
    code(mintmark)
    assert mintmark("grant", "revoke", "--user", "alice", "-y").err == "Grants ended: 1.\n"
    code(mintmark)
    assert mintmark("grant", "revoke", "--client", "web", "-y", "--json").json["grants_ended"] is None
    assert mintmark("grant", "list", "--user", "alice", "--json").json["grants"] == []
    mintmark("grant", "revoke", code=2)
    mintmark("grant", "revoke", "x" * 22, "--user", "alice", code=2)


def test_what_a_grant_has_issued_is_listed(mintmark: CommandLine) -> None:
    issued = code(mintmark)
    answer = ask(mintmark, grant_type="authorization_code", code=issued)
    listed = mintmark("grant", "issued", issued[6:28], "--json").json["issued"]
    assert {one["kind"] for one in listed if not one["used"]} == {"access_token", "refresh_token"}
    assert str(answer["access_token"]) not in str(listed)
    table = mintmark("grant", "issued", issued[6:28])
    assert table.err == "3 credentials\n"
    mintmark("grant", "revoke", issued[6:28])
    assert "there is no grant" in mintmark("grant", "issued", issued[6:28], code=1).err, "its keys are dead"
    assert "a grant id has 22" in mintmark("grant", "issued", "*", code=1).err


def test_a_token_is_inspected_and_not_told_back(mintmark: CommandLine) -> None:
    access_token = str(ask(mintmark, grant_type="client_credentials")["access_token"])
    told = mintmark("token", "inspect", "--token-stdin", "--json", stdin=access_token).json
    assert (told["what"], told["active"], told["client_id"]) == ("access_token", True, "web")
    assert access_token not in str(told)
    mintmark("client", "disable", "web")
    shown = mintmark("token", "inspect", "--token-stdin", stdin=access_token)
    assert "is disabled" in shown.out
    on_the_command_line = mintmark("token", "inspect", access_token, code=2).err
    assert "--token-stdin" in on_the_command_line
    assert access_token[:30] not in on_the_command_line
    assert "asked for at a terminal" in " ".join(mintmark("token", "inspect", code=2).err.replace("│", "").split())


def test_numbers_are_shown(mintmark: CommandLine) -> None:
    code(mintmark)
    numbers = mintmark("statistics", "--json").json
    assert numbers["grants"]["by_client"] == {"web": 1}
    assert numbers["redis"]["keys"] > 0
    shown = mintmark("statistics")
    assert shown.err == "Live grants: 1 (counted).\n"
    assert "grants of web" in shown.out
