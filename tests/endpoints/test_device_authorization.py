"""The device authorization endpoint (RFC 8628 sections 3.1 and 3.2)."""

import re

import pytest

from service.protocol.user_codes import ALPHABET, new_user_code, typed
from service.store import waiting
from tests.devices import begun, device_client, polled
from tests.polling import GRANT_TYPES, PENDING
from tests.world import World, error_of

PATH = "/device_authorization"


async def test_a_device_gets_two_codes(world: World) -> None:
    await device_client(world)
    response = await world.post(PATH, {"client_id": "tv", "scope": "read"}, None)
    body = await response.json()
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert re.fullmatch(r"mm_dc_[\w-]{65}", body["device_code"])
    assert re.fullmatch(rf"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", body["user_code"])
    page = "http://127.0.0.1:8080/device"
    assert body["verification_uri"] == page
    assert body["verification_uri_complete"] == f"{page}?user_code={body['user_code']}"
    assert (body["expires_in"], body["interval"]) == (600, 5)
    assert await error_of(await polled(world, body["device_code"])) == PENDING


async def test_it_is_in_the_metadata(world: World) -> None:
    response = await world.http.get("/.well-known/oauth-authorization-server")
    document = await response.json()
    assert document["device_authorization_endpoint"] == "http://127.0.0.1:8080/device_authorization"
    assert "urn:ietf:params:oauth:grant-type:device_code" in document["grant_types_supported"]


async def test_a_confidential_client_proves_itself(world: World) -> None:
    await world.client(grant_types=GRANT_TYPES)
    assert (await world.post(PATH, {})).status == 200
    assert await error_of(await world.post(PATH, {}, secret="wrong")) == (401, "invalid_client")
    assert await error_of(await world.post(PATH, {"client_id": "app"}, None)) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "other"}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"authorization_details": "[{}]"}, "invalid_authorization_details"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"scope": "read " * 5000}, "invalid_request"),
    ],
)
async def test_what_a_client_may_not_have_is_refused_at_once(world: World, form: dict[str, str], error: str) -> None:
    await device_client(world)
    response = await world.post(PATH, {"client_id": "tv", **form}, None)
    assert await error_of(response) == (400, error)
    assert not world.key_names(":polled:"), "nothing waits"


async def test_a_client_that_is_not_registered_for_it(world: World) -> None:
    await world.public_client()
    assert await error_of(await world.post(PATH, {"client_id": "phone"}, None)) == (400, "unauthorized_client")
    assert await error_of(await world.post(PATH, {"client_id": "nobody"}, None)) == (401, "invalid_client")


async def test_strangers_fill_no_more_than_there_is_for_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever knows the client_id of a public client may begin in its name."""
    await device_client(world)
    await world.client(grant_types=GRANT_TYPES)
    monkeypatch.setattr(waiting, "BROWSER_MOST", 3000)
    answers = [await world.post(PATH, {"client_id": "tv"}, None) for _ in range(10)]
    assert {answer.status for answer in answers} == {200, 503}
    assert answers[-1].headers["Retry-After"]
    assert (await world.post(PATH, {})).status == 200, "others are not kept out"


async def test_all_that_is_kept_has_an_end(world: World) -> None:
    """P4."""
    await device_client(world)
    body = await begun(world)
    await polled(world, body["device_code"])
    kept = world.ends(":polled:") | world.ends("user-code") | world.ends("waiting")
    assert len(kept) >= 5
    assert all(0 < end <= world.issuer.clock() + 602 for end in kept.values())


async def test_a_code_that_another_device_has_is_not_given_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await device_client(world)
    codes = iter(["BBBBBBBB", "BBBBBBBB", "CCCCCCCC"])
    monkeypatch.setattr("service.protocol.user_codes.new_user_code", lambda _: next(codes))
    assert [(await begun(world))["user_code"] for _ in range(2)] == ["BBBB-BBBB", "CCCC-CCCC"]


@pytest.mark.parametrize("text", ["WDJB-MJHT", "wdjb-mjht", "wdjbmjht", " WDJB MJHT ", "w.d.j.b.m.j.h.t"])
def test_a_code_is_the_same_however_it_is_typed(text: str) -> None:
    """RFC 8628 section 6.1."""
    assert typed(text) == "WDJBMJHT"


@pytest.mark.parametrize("text", ["", "WDJB-MJH", "WDJB-MJHTT", "ADJB-MJHT", "WDJB-MJH1", "ＷDJB-MJHT", "W" * 100_000])
def test_what_cannot_be_a_code(text: str) -> None:
    assert typed(text) == ""


def test_codes_are_drawn_evenly() -> None:
    assert new_user_code(lambda size: bytes(range(size))) == ALPHABET[:8]
    letters = [ALPHABET[byte % 20] for byte in range(240)]
    assert {letters.count(letter) for letter in ALPHABET} == {12}
    assert new_user_code(lambda size: bytes(range(250, 256)) * 2 + b"\x01" * (size - 12)) == "CCCCCCCC"


async def test_a_device_may_register_itself_where_operators_allow_it(world: World) -> None:
    """It needs no redirect URI; by default those grant types are for operators to give."""
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    wished = {"grant_types": [grant_type], "token_endpoint_auth_method": "none", "client_name": "Radio"}
    async with world.having(registration="open", registration_grant_types=(grant_type, "refresh_token")) as open_world:
        response = await open_world.http.post("/register", json=wished)
        body = await response.json()
        assert (response.status, body["grant_types"]) == (201, [grant_type]), body
        assert (await begun(open_world, body["client_id"]))["user_code"]
    async with world.having(registration="open") as other:
        refused = await other.http.post("/register", json=wished)
        assert refused.status == 400 or grant_type not in (await refused.json())["grant_types"]
