"""Signed CIBA requests: each counts once, by the key and the algorithm of its client (CIBA Core 7.1.1)."""

import time
from typing import Any

import pytest

from tests.assertions import JWKS, KEYS, Signer, types_but
from tests.backchannel import PATH, ask, backchannel_client
from tests.moments import FromNow, settled
from tests.person import Person
from tests.world import World, error_of

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture
async def person(world: World) -> Person:
    await backchannel_client(world)
    await world.openid_client()
    await world.user()
    return Person(world)


class _Signed:
    """A request in a JWT, by the key of the client."""

    def __init__(self) -> None:
        self.signer = Signer(subject="bank")

    def token(self, signer: Signer | None = None, **changes: Any) -> str:
        usual = {"nbf": int(time.time()), "sub": None, "scope": "openid read", "login_hint": "alice"}
        return (signer or self.signer).sign(**(usual | changes))


@pytest.fixture
async def signing(person: Person) -> World:
    changes: dict[str, Any] = {"backchannel_authentication_request_signing_alg": "ES256", "jwks": JWKS}
    await backchannel_client(person.world, **changes)
    return person.world


async def send(world: World, token: str, **beside: str) -> tuple[int, str]:
    response = await world.post(PATH, {"request": token, **beside}, "bank")
    return response.status, (await response.json()).get("error", "")


@pytest.mark.parametrize("requested_expiry", ["40", 40])
async def test_a_signed_request_is_taken_once(signing: World, requested_expiry: object) -> None:
    """The suite sends requested_expiry as a number and as a text."""
    token = _Signed().token(requested_expiry=requested_expiry, binding_message="W4SCT")
    response = await signing.post(PATH, {"request": token}, "bank")
    assert (response.status, (await response.json())["expires_in"]) == (200, 40)
    assert await send(signing, token) == (400, "invalid_request")
    assert len(signing.key_names(":polled:")) == 1


async def test_a_claim_without_a_definition_is_ignored(signing: World) -> None:
    """RFC 6749 section 3.1, as in other request objects."""
    claims: dict[str, Any] = {"is_beta": True, "campaign": {"id": 7}, "reason": []}
    assert (await send(signing, _Signed().token(**claims)))[0] == 200


async def test_a_client_that_signs_sends_nothing_else(signing: World) -> None:
    assert await error_of(await ask(signing)) == (400, "invalid_request")
    for beside in ({"login_hint": "alice"}, {"scope": "openid"}, {"resource": "https://api.example"}):
        assert await send(signing, _Signed().token(), **beside) == (400, "invalid_request")
    assert (await send(signing, _Signed().token(), client_id="bank"))[0] == 200


UNUSABLE: list[dict[str, Any]] = [
    *({name: None} for name in ("iss", "aud", "exp", "iat", "nbf", "jti")),
    {"iss": "other"},
    {"aud": "https://elsewhere.example"},
    {"aud": ["https://elsewhere.example"]},
    {"exp": FromNow(-60)},
    {"exp": FromNow(4200)},
    {"nbf": FromNow(600)},
    {"nbf": FromNow(-4200)},
    {"exp": "soon"},
    {"jti": 5},
    {"jti": "x" * 256},
    {"jti": ""},
    {"client_id": "other"},
    {"request": "x.y.z"},
    {"scope": None},
    {"login_hint": True},
    {"login_hint": None},
    {"login_hint": {"deep": [1]}, "id_token_hint": "x"},
]


@pytest.mark.parametrize("changes", UNUSABLE)
async def test_a_signed_request_that_says_something_else_is_refused(signing: World, changes: dict[str, Any]) -> None:
    assert await send(signing, _Signed().token(**settled(changes))) == (400, "invalid_request")


@pytest.mark.parametrize("typ", types_but("oauth-authz-req+jwt"))
async def test_what_was_signed_for_another_purpose_is_no_request(signing: World, typ: str) -> None:
    """RFC 8725 section 3.11, as for request objects of the authorization endpoint."""
    assert await send(signing, _Signed().token(headers={"typ": typ})) == (400, "invalid_request")
    assert (await send(signing, _Signed().token(headers={"typ": "oauth-authz-req+jwt"})))[0] == 200


async def test_another_key_or_algorithm_signs_nothing(signing: World) -> None:
    other = Signer(key=KEYS["RS256"], algorithm="RS256", subject="bank")  # type: ignore[index]
    by_secret = Signer(key="s" * 64, algorithm="HS256", subject="bank")
    unsigned = _Signed().token().rpartition(".")[0] + "."
    changed = _Signed().token()[:-4] + "AAAA"
    for token in (_Signed().token(other), _Signed().token(by_secret), unsigned, changed, "", "x", "x" * 20_000):
        if token:
            assert await send(signing, token) == (400, "invalid_request")
    assert not signing.key_names(":polled:")
