"""``mintmark client check``, and clients with a security profile."""

import json

from tests.assertions import JWKS
from tests.cli.command_line import CommandLine

BOTH_WAYS = True
"""Here and by the URL of a running service."""

CODES = ("--grant-type", "authorization_code", "--redirect-uri", "https://app.example/cb", "--scope", "read")
KEYS = ("--auth-method", "private_key_jwt", "--jwks", json.dumps(JWKS))


def test_what_is_missing_is_said_and_then_set(mintmark: CommandLine) -> None:
    mintmark("client", "create", "web", *CODES, *KEYS)
    checked = mintmark("client", "check", "web", "--profile", "fapi2_security")
    assert "Client web breaks 6 of 20 rules of fapi2_security." in checked.err
    assert "FAPI 2.0 Security Profile 5.3.2.2-3" in checked.out
    assert "--pushed-requests-only" in checked.out
    mintmark("client", "update", "web", "--profile", "fapi2_security")
    assert "Client web keeps fapi2_security." in mintmark("client", "check", "web").err
    assert mintmark("client", "check", "web", "--json").json["holds"] is True


def test_a_client_that_cannot_keep_its_profile_is_refused_with_the_section(mintmark: CommandLine) -> None:
    refused = mintmark("client", "create", "web", *CODES, "--profile", "fapi2_security", code=None)
    assert "--auth-method: Clients authenticate by private_key_jwt or by a certificate." in refused.err
    assert "(FAPI 2.0 Security Profile 5.3.2.1-6)" in refused.err


def test_without_a_profile_there_is_nothing_to_check(mintmark: CommandLine) -> None:
    mintmark("client", "create", "web", *CODES)
    assert "name it" in mintmark("client", "check", "web", code=None).err
