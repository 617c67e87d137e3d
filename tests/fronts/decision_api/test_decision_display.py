"""What callers are told to show people of a client, as pages of ours would (RFC 7591 section 5, RFC 9700 4.11.2)."""

from typing import Any
from urllib.parse import urlencode

import pytest

from service.records.client import Registration
from tests.deciding import Backend, backend
from tests.world import CALLBACK, World

ASKED = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid read", "code_challenge": "c" * 43}
NAME, API = "Mint\u202email\u200b", "https://api.example"
LINKS = {"logo_uri": "https://bank.example/logo.png", "policy_uri": "https://app.example/policy"}


async def _ask(caller: Backend, client_id: str, **parameters: str) -> dict[str, Any]:
    asked = ASKED | {"client_id": client_id, "code_challenge_method": "S256"} | parameters
    return await caller.answer("/auth/authorization", parameters=urlencode(asked))


async def test_the_caller_knows_what_to_show(world: World) -> None:
    await world.openid_client("stranger", name=NAME, registration=Registration("x"), audiences=(API,), **LINKS)
    await world.openid_client("ours", name=NAME, redirect_uris=("com.example.app://bank.example/cb",), **LINKS)
    async with backend(world) as caller:
        told = await _ask(caller, "stranger")
        assert (told["redirectKind"], told["redirectHost"], told["resources"]) == ("WEB", "app.example", [API])
        client = told["client"]
        assert (client["clientName"], client["dynamicallyRegistered"]) == ("Mintmail", True)
        assert (client.get("logoUri"), client["policyUri"]) == (None, LINKS["policy_uri"])
        told = await _ask(caller, "ours", redirect_uri="com.example.app://bank.example/cb")
        assert (told["redirectKind"], told["redirectHost"]) == ("APP", "com.example.app")
        client = told["client"]
        assert (client["clientName"], client["dynamicallyRegistered"]) == ("Mintmail", False)
        assert client["logoUri"] == LINKS["logo_uri"]


@pytest.mark.parametrize("mode", ["query", "form_post"])
async def test_the_caller_is_warned_of_a_stranger_s_address(world: World, mode: str) -> None:
    """At once, and where the caller says that the person did not sign in."""
    await world.openid_client("stranger", registration=Registration("x"))
    await world.openid_client("let-in", registration=Registration("x", by_token=True))
    async with backend(world) as caller:
        for client_id, warning in (("stranger", (False, "app.example")), ("let-in", (None, None))):
            refused = await _ask(caller, client_id, scope="nonsense", response_mode=mode)
            ticket = (await _ask(caller, client_id, prompt="none", response_mode=mode))["ticket"]
            failed = await caller.answer("/auth/authorization/fail", ticket=ticket, reason="NOT_LOGGED_IN")
            for told in (refused, failed):
                assert told["action"] == ("FORM" if mode == "form_post" else "LOCATION")
                assert (told.get("redirectTrusted"), told.get("redirectHost")) == warning
