"""Clients that look after their registration (RFC 7592)."""

import json
from typing import Any

import pytest

from service.admin import clients, registration
from service.protocol.client_member import Shape
from service.protocol.client_metadata import REGISTERED, ROWS
from service.protocol.errors import TemporarilyUnavailable
from tests.client_members import full
from tests.endpoints.test_register import JWK
from tests.registering import WEB, manage, register
from tests.world import World, basic


async def test_a_client_looks_after_itself(open_world: World) -> None:
    """RFC 7592: read, replace, delete."""
    _, made = await register(open_world, WEB | {"logo_uri": "https://a.example/l"})
    changed = WEB | {"client_id": made["client_id"], "client_name": "New", "client_secret": made["client_secret"]}
    answer = await (await manage(open_world, made, "PUT", json=changed)).json()
    assert (answer["client_name"], "logo_uri" in answer) == ("New", False), "what is left out is gone"
    token = await open_world.http.post(
        "/token", data={"grant_type": "refresh_token"}, headers=basic(made["client_id"], made["client_secret"])
    )
    assert (await token.json())["error"] == "unauthorized_client", "it still authenticates"
    deleted = await manage(open_world, made, "DELETE")
    assert (deleted.status, await deleted.read()) == (204, b"")
    assert (await manage(open_world, made)).status == 401


async def test_a_client_is_told_how_it_goes_on(open_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """RFC 7592 section 3, also where what was read is sent back as it is; what is logged does not hold the token."""
    caplog.set_level("DEBUG")
    _, made = await register(open_world)
    read = await manage(open_world, made)
    sent_back = await manage(open_world, made, "PUT", json=await read.json())
    for answer in (read, sent_back):
        body = await answer.json()
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        for name in ("registration_access_token", "registration_client_uri", "client_secret_expires_at"):
            assert body[name] == made[name]
    assert not [one for one in caplog.records if made["registration_access_token"] in str(vars(one))]


async def test_a_number_that_is_nothing_is_given_back(open_world: World) -> None:
    """A default_max_age of 0 is a login each time: a client that sends back what it reads must not lose it."""
    _, made = await register(open_world, WEB | {"default_max_age": 0})
    assert made["default_max_age"] == 0
    assert (await (await manage(open_world, made)).json())["default_max_age"] == 0


@pytest.mark.parametrize(
    "changes", [{"client_id": "other"}, {"client_id": None}, {"client_secret": "wrong"}, {"redirect_uris": []}]
)
async def test_a_bad_replacement_changes_nothing(open_world: World, changes: dict[str, Any]) -> None:
    _, made = await register(open_world)
    wanted = WEB | {"client_id": made["client_id"], "client_name": "New"} | changes
    assert (await manage(open_world, made, "PUT", json=wanted)).status == 400
    assert (await (await manage(open_world, made)).json())["client_name"] == "My App"


async def test_a_client_does_not_undo_what_an_operator_did(open_world: World) -> None:
    """Scopes and grant types that were given stay, those that were taken do not come back, limits stay."""
    _, made = await register(open_world)
    by_operator = {
        **{"require_pkce": True, "access_token_lifetime": 60, "audiences": ["https://api.example"]},
        **{"scopes": ["openid", "read"], "skip_consent": True, "description": "watched"},
        "grant_types": ["authorization_code", "client_credentials"],
    }
    await clients.update_client(open_world.issuer, made["client_id"], by_operator)
    wanted = WEB | {"client_id": made["client_id"], "scope": "openid email read", "grant_types": made["grant_types"]}
    answer = await manage(open_world, made, "PUT", json=wanted | {"grant_types": by_operator["grant_types"]})
    assert (answer.status, (await answer.json())["scope"]) == (200, "openid read")
    client = await open_world.issuer.store.clients.read(made["client_id"])
    assert client is not None
    held = {name: getattr(client, name) for name in by_operator}
    assert json.loads(json.dumps(held)) == by_operator


async def test_what_an_operator_sets_meanwhile_is_not_undone(open_world: World) -> None:
    """Whoever has the registration access token may replace without end, to be the one who read the client before."""
    _, made = await register(open_world)
    seen = await clients.get_client(open_world.issuer, made["client_id"])
    await clients.update_client(open_world.issuer, made["client_id"], {"dpop_bound_access_tokens": True})
    wanted = WEB | {"client_id": made["client_id"], "client_name": "New"}
    with pytest.raises(TemporarilyUnavailable):
        await registration.replace(open_world.issuer, seen, wanted)
    assert (await clients.get_client(open_world.issuer, made["client_id"])).dpop_bound_access_tokens
    assert (await manage(open_world, made, "PUT", json=wanted)).status == 200
    changed = await clients.get_client(open_world.issuer, made["client_id"])
    assert (changed.name, changed.dpop_bound_access_tokens) == ("New", True)


async def test_only_the_client_s_own_token_opens_its_registration(open_world: World) -> None:
    """No oracle: a wrong token, a client that registered in another way, nobody at all look alike."""
    _, mine = await register(open_world)
    _, other = await register(open_world)
    await open_world.client("by-hand")
    answers = set()
    for made, token in (
        (mine, other["registration_access_token"]),
        (mine, "mm_ra_" + "A" * 43),
        (mine, mine["client_secret"]),
        ({"registration_client_uri": open_world.issuer.url + "/register?client_id=by-hand"}, "x"),
        ({"registration_client_uri": open_world.issuer.url + "/register?client_id=nobody"}, "x"),
        ({"registration_client_uri": open_world.issuer.url + "/register"}, "x"),
    ):
        for method in ("GET", "PUT", "DELETE"):
            response = await manage(open_world, made, method, token, json={})
            answers.add((response.status, await response.text()))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401
    assert (await manage(open_world, mine)).status == 200


async def test_redis_holds_no_registration_token(open_world: World) -> None:
    """P5."""
    _, made = await register(open_world)
    (key,) = open_world.redis.nodes[0].admin.scan_iter("mm:client:*")
    record = open_world.redis.dump()[key].value.decode()
    for name in ("registration_access_token", "client_secret"):
        assert made[name] not in record


async def test_a_client_cannot_make_itself_weaker(world: World) -> None:
    """What protects it stays where it is not said anew, and is not taken off: the registration access token may be lost."""
    async with world.having(registration="open", pairwise_salt="s" * 16) as other:
        _, made = await register(other, WEB | {"subject_type": "pairwise", "jwks": {"keys": [JWK]}})
        await clients.update_client(other.issuer, made["client_id"], {"require_signed_request_object": True})
        wanted = WEB | {"client_id": made["client_id"], "jwks": {"keys": [JWK]}}
        assert (await manage(other, made, "PUT", json=wanted)).status == 200
        client = await clients.get_client(other.issuer, made["client_id"])
        assert (client.subject_type, client.require_signed_request_object) == ("pairwise", True)
        for weaker in (
            {"token_endpoint_auth_method": "none"},
            {"subject_type": "public"},
            {"require_signed_request_object": False},
        ):
            assert (await manage(other, made, "PUT", json=wanted | weaker)).status == 400


PROTECTING = {row.name: name for name, row in REGISTERED.items() if row.member.protects}
SET = {name: value for name, value in full().items() if name in PROTECTING} | {"jwks": {"keys": [JWK]}}
"""Members as an operator sets them so that the client is safer."""
WEAKER: dict[str, Any] = {name: False if ROWS[name].shape is Shape.SWITCH else None for name in PROTECTING} | {
    "auth_method": "none",
    "subject_type": "public",
}
HARMLESS = {
    "id_token_signed_response_alg": "signed all the same",
    "authorization_signed_response_alg": "signed all the same",
    "introspection_signed_response_alg": "signed all the same",
    "require_auth_time": "it learns more",
    "backchannel_logout_session_required": "it learns more",
    "frontchannel_logout_session_required": "it learns more",
    "request_object_encryption_alg": "an announcement: requests that are signed alone are taken all the same",
    "request_object_encryption_enc": "likewise",
}
"""Switches and algorithms that protect nothing, and why."""


def test_of_every_switch_and_algorithm_it_is_known_whether_it_protects() -> None:
    """Whoever adds a member that a client may set itself says whether it may take it off again."""
    found = {
        row.name for row in REGISTERED.values() if row.shape is Shape.SWITCH or row.name.endswith(("_alg", "_enc"))
    }
    assert found == (set(PROTECTING) - {"auth_method", "subject_type"}) | HARMLESS.keys()


@pytest.mark.parametrize("weaker", [{}, *({PROTECTING[name]: value} for name, value in WEAKER.items())], ids=str)
async def test_what_an_operator_set_to_protect_a_client_stays(world: World, weaker: dict[str, Any]) -> None:
    """By the table: left out (or null) it stays as it is, by another word it cannot be taken off."""
    async with world.having(registration="open", pairwise_salt="s" * 16) as other:
        _, made = await register(other, WEB | {"jwks": {"keys": [JWK]}})
        await clients.update_client(other.issuer, made["client_id"], SET)
        wanted = WEB | {"client_id": made["client_id"], "jwks": {"keys": [JWK]}, "client_name": "New"} | weaker
        answer = await manage(other, made, "PUT", json=wanted)
        is_said = any(value is not None for value in weaker.values())
        assert answer.status == (400 if is_said else 200), await answer.text()
        client = await clients.get_client(other.issuer, made["client_id"])
    assert client.name == ("My App" if is_said else "New")
    held = {name: getattr(client, name) for name in PROTECTING}
    assert held == {name: SET[name] for name in PROTECTING}
