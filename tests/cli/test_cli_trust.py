"""``mintmark trust …``."""

import json

from tests.assertions import JWKS
from tests.cli.command_line import CommandLine

BOTH_WAYS = True
"""Here and by the URL of a running service."""

CI = "https://ci.example.com"


def test_an_issuer_is_trusted_listed_and_not_trusted_any_more(mintmark: CommandLine) -> None:
    options = ("--jwks", json.dumps(JWKS), "--client", "deployer", "--scope", "deploy read", "--algorithm", "ES256")
    added = mintmark("trust", "add", CI, *options, "--subject", "alice", "--audience", "urn:us", "--json").json
    assert added.pop("hints")
    (listed,) = mintmark("trust", "list", "--json").json["trusts"]
    assert listed == added, "with the version that an end may depend on"
    assert added.pop("etag")
    assert added | {"created_at": 0, "jwks": None} == {
        **{"issuer": CI, "jwks": None, "jwks_uri": None, "algorithms": ["ES256"], "subjects": ["alice"]},
        **{"scopes": ["deploy", "read"], "clients": ["deployer"], "audience": "urn:us", "created_at": 0},
        **{"uses": ["jwt-bearer"], "subject_claim": "sub", "subject_prefix": "", "reusable": False, "managed_by": ""},
    }
    assert CI in mintmark("trust", "list").out
    assert mintmark("trust", "remove", CI, "--yes").err == f"{CI} is not trusted any more.\n"
    assert mintmark("trust", "list", "--json").json["trusts"] == []
    assert "there is no trusted issuer" in mintmark("trust", "remove", CI, "--yes", code=1).err


def test_what_it_is_trusted_for_and_how_its_users_are_called(mintmark: CommandLine) -> None:
    options = ("--jwks", json.dumps(JWKS), "--use", "id-jag", "--use", "token-exchange", "--use", "id-jag")
    mapping = ("--subject-claim", "email", "--subject-prefix", "acme:")
    added = mintmark("trust", "add", CI, *options, *mapping, "--json").json
    assert (added["uses"], added["subject_claim"]) == (["id-jag", "token-exchange"], "email")
    assert added["subject_prefix"] == "acme:"
    assert "id-jag" in mintmark("trust", "list").out
    assert "use" in mintmark("trust", "add", CI, "--jwks", json.dumps(JWKS), "--use", "all", code=2).err
    assert "registered claim" in mintmark("trust", "add", CI, *options, "--subject-claim", "aud", code=2).err


def test_what_is_missing_is_told(mintmark: CommandLine) -> None:
    assert "--jwks: give the keys, or --jwks-uri: " in mintmark("trust", "add", "ci", code=2).err
    assert "not JSON" in mintmark("trust", "add", CI, "--jwks", "{", code=2).err


def test_a_client_that_does_not_exist_is_told_of_and_an_alias_too(mintmark: CommandLine) -> None:
    mintmark("client", "create", "web", "--alias", "old-web", "--grant-type", "client_credentials")
    options = ("--jwks", json.dumps(JWKS), "--client", "web")
    assert "clients:" not in mintmark("trust", "add", CI, *options).out
    assert "hints" not in mintmark("trust", "add", CI, *options, "--json").json
    told = " ".join(mintmark("trust", "add", CI, *options, "--client", "nope", "--client", "old-web").out.split())
    assert "clients: there is no client nope yet." in told
    assert "clients: old-web is the alias of the client web, and only the client_id counts here." in told
    (listed,) = mintmark("trust", "list", "--json").json["trusts"]
    assert (listed["clients"], "hints" in listed) == (["web", "nope", "old-web"], False), "a list has no advice"


def test_of_many_clients_that_do_not_exist_a_few_are_named(mintmark: CommandLine) -> None:
    named = [word for name in ("a", "b", "c", "d") for word in ("--client", name)]
    added = mintmark("trust", "add", CI, "--jwks", json.dumps(JWKS), *named, "--json").json
    assert added["hints"] == ["clients: there is no client a, b, c … yet."]
