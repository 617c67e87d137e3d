"""Authorization responses as JWTs that we signed (JARM): codes, tokens and errors, in every mode."""

from typing import Any

import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet

from service.protocol.names import GrantTypeName
from tests.person import Person, Shown
from tests.pushing import come, pushed
from tests.world import VERIFIER, World

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(skip_consent=True)
    await world.user()
    person = Person(world)
    await person.sign_in()
    return person


async def opened(person: Person, shown: Shown, algorithm: str = "RS256") -> dict[str, Any]:
    """The claims of the one parameter, verified by another library than ours, with the published keys."""
    assert set(shown.answer) == {"response"}, "nothing travels beside it"
    keys = KeySet.import_key_set(await (await person.world.http.get("/jwks")).json())
    token = jose.decode(shown.answer["response"], keys, algorithms=[algorithm])
    assert (token.claims["iss"], token.claims["aud"]) == (ISSUER, "app")
    assert 0 < token.claims["exp"] - person.world.issuer.clock() <= 600
    return dict(token.claims)


async def test_a_code_in_the_query(person: Person) -> None:
    """JARM 2.1.1: what would be parameters are claims, state and all."""
    for mode in ("jwt", "query.jwt"):
        shown = await person.authorize(response_mode=mode)
        assert "?response=" in shown.location
        claims = await opened(person, shown)
        assert (set(claims), claims["state"]) == ({"iss", "aud", "exp", "code", "state"}, "st")
        assert (await person.world.redeem(claims["code"], code_verifier=VERIFIER)).status == 200


async def test_it_goes_where_its_mode_says(person: Person) -> None:
    for mode in ("fragment.jwt", "jwt"):
        shown = await person.authorize(response_mode=mode, response_type="code id_token token")
        assert "#response=" in shown.location
        claims = await opened(person, shown)
        assert claims["access_token"].startswith("mm_at_")
        assert {"id_token", "code", "token_type", "expires_in", "scope"} <= set(claims)
    shown = await person.authorize(response_mode="form_post.jwt")
    assert (shown.location, shown.status) == ("", 200)
    assert "code" in await opened(person, shown)


async def test_errors_too(person: Person) -> None:
    """JARM 2.1: of the request, of the response mode, and what a user did not do."""
    shown = await person.authorize(response_mode="jwt", scope="openid everything")
    assert (await opened(person, shown))["error"] == "invalid_scope"
    shown = await person.authorize(response_mode="query.jwt", response_type="code token")
    assert "#response=" in shown.location
    assert (await opened(person, shown))["error"] == "invalid_request"
    silent = await Person(person.world).authorize(response_mode="form_post.jwt", prompt="none")
    claims = await opened(person, silent)
    assert (claims["error"], claims["state"]) == ("login_required", "st")
    login = await Person(person.world).authorize(response_mode="jwt", prompt="login")
    stranger = Person(person.world, dict(person.cookies))
    denied = await stranger.submit(await stranger.authorize(response_mode="jwt", prompt="login"), cancel="1")
    assert (await opened(person, denied))["error"] == "access_denied"
    assert login.heading == "Sign in"


async def test_it_is_signed_as_the_client_wants(person: Person) -> None:
    client = await person.world.issuer.store.clients.read("app")
    assert client
    for algorithm in ("ES256", "EdDSA"):
        await person.world.change(client, authorization_signed_response_alg=algorithm)
        person.world.issuer.store.clients.forget(["app"])
        shown = await person.authorize(response_mode="jwt")
        assert "code" in await opened(person, shown, algorithm)


async def test_a_pushed_request_may_ask_for_it(person: Person) -> None:
    shown = await come(person, await pushed(person.world, response_mode="jwt"))
    assert "code" in await opened(person, shown)


async def test_it_is_no_other_jwt_of_ours(person: Person) -> None:
    """It is signed by the same keys: as a hint, an access token or an assertion it is worth nothing."""
    shown = await person.authorize(response_mode="jwt")
    response = shown.answer["response"]
    assert (await person.authorize(id_token_hint=response)).error == "invalid_request"
    headers = {"Authorization": f"Bearer {response}"}
    assert (await person.world.http.get("/userinfo", headers=headers)).status == 401
    assert await person.world.is_active(response) is False
    asked = {"grant_type": GrantTypeName.JWT_BEARER.value, "assertion": response}
    assert (await person.world.token(**asked)).status == 400


async def test_discovery_says_it(world: World) -> None:
    document = await (await world.http.get("/.well-known/openid-configuration")).json()
    assert {"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} < set(document["response_modes_supported"])
    assert document["authorization_signing_alg_values_supported"] == ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


async def test_without_keys_it_is_refused(world: World) -> None:
    async with world.with_part(keyring=None) as plain:
        await plain.client()
        shown = await Person(plain).authorize(response_mode="jwt", scope="read")
        assert shown.error == "invalid_request"
        document = await (await plain.http.get("/.well-known/oauth-authorization-server")).json()
        assert document["response_modes_supported"] == ["query", "fragment", "form_post"]
        assert "authorization_signing_alg_values_supported" not in document
