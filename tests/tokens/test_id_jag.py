"""Identity assertion grants (draft-ietf-oauth-identity-assertion-authz-grant): given for another server."""

import time
from typing import Any

import jwt
import pytest

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.endpoints import ENDPOINTS
from service.endpoints.metadata import discovery
from service.protocol.names import GrantTypeName
from tests.assertions import ISSUER, JWKS, Signer
from tests.exchanging import ID, ID_JAG, JWT, ORDERS, REFRESH, acting, app, exchange, exchanged
from tests.world import World, error_of

LOGIN, CHAT, API = "https://login.example", "https://chat.example", "https://api.chat.example"


@pytest.fixture
async def login(world: World) -> tuple[World, dict[str, Any]]:
    """The server at which users sign in, and what a client has of one."""
    return world, await signed_in(world)


async def signed_in(world: World, scope: str = "openid", audience: tuple[str, ...] = (ORDERS,)) -> dict[str, Any]:
    client = await app(world, exchange_issuers=(f"{CHAT}#chat-app", "https://other.example"))
    return await world.tokens(client, audience=audience, scope=scope, acr="2", amr=("pwd", "otp"))


@pytest.mark.parametrize(
    ("token", "kind", "scope", "audience"),
    [
        ("id_token", ID, "openid", (ORDERS,)),
        ("refresh_token", REFRESH, "openid read", (ORDERS, API)),
        ("refresh_token", REFRESH, "openid read", ()),
    ],
    ids=["an ID token", "a refresh token", "a refresh token of a grant without resources"],
)
async def test_one_is_given_for_another_server(
    world: World, token: str, kind: str, scope: str, audience: tuple[str, ...]
) -> None:
    held = await signed_in(world, scope, audience)
    asked = {"requested_token_type": ID_JAG, "audience": CHAT, "resource": API, "scope": "read"}
    body = await exchanged(world, "app", held[token], kind, **asked)
    assert (body["issued_token_type"], body["token_type"], body["scope"]) == (ID_JAG, "N_A", "read")
    assert 0 < body["expires_in"] <= 300
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "oauth-id-jag+jwt"
    assert world.issuer.keyring
    claims = await world.issuer.keyring.verify(body["access_token"], typ="oauth-id-jag+jwt")
    assert claims
    lasts = claims.pop("exp") - claims.pop("iat")
    assert (lasts <= 300, len(claims.pop("jti"))) == (True, 22)
    assert claims.pop("auth_time") <= time.time()
    assert claims == {
        **{"iss": ISSUER, "sub": "alice", "aud": CHAT, "client_id": "chat-app", "resource": API, "scope": "read"},
        **{"acr": "2", "amr": ["pwd", "otp"]},
    }
    plain = await exchanged(
        world, "app", held[token], kind, requested_token_type=ID_JAG, audience="https://other.example"
    )
    told = jwt.decode(plain["access_token"], options={"verify_signature": False})
    assert (told["client_id"], "scope" in told, "resource" in told) == ("app", False, False)


REFUSED: dict[str, tuple[str, str, dict[str, str], str]] = {
    "another server": ("id_token", ID, {"audience": "https://bank.example"}, "invalid_target"),
    "two servers": ("id_token", ID, {"audience": f"{CHAT}#chat-app"}, "invalid_target"),
    "an access token": ("access_token", "access", {}, "invalid_request"),
    "too much scope": ("id_token", ID, {"scope": "admin"}, "invalid_scope"),
    "a resource that is no URI": ("id_token", ID, {"resource": "nothing"}, "invalid_target"),
    "a resource with a fragment": ("id_token", ID, {"resource": f"{API}#x"}, "invalid_target"),
    "a huge resource": ("id_token", ID, {"resource": f"{API}/{'x' * 300}"}, "invalid_target"),
    "details": ("id_token", ID, {"authorization_details": '[{"type":"x"}]'}, "invalid_authorization_details"),
}


@pytest.mark.parametrize(("token", "kind", "form", "error"), REFUSED.values(), ids=list(REFUSED))
async def test_what_none_is_given_for(
    login: tuple[World, dict[str, Any]], token: str, kind: str, form: dict[str, str], error: str
) -> None:
    world, held = login
    kind = ID.replace("id_token", "access_token") if kind == "access" else kind
    asked = {"requested_token_type": ID_JAG, "audience": CHAT} | form
    assert await error_of(await exchange(world, "app", held[token], kind, **asked)) == (400, error)


async def test_of_a_refresh_token_one_is_within_what_the_user_granted(world: World) -> None:
    """As a refresh is (section 4.3.3), and whatever the client itself may have."""
    asked = {"requested_token_type": ID_JAG, "audience": CHAT}
    held = await signed_in(world, "openid read")
    for more, error in (
        ({"scope": "write"}, "invalid_scope"),
        ({"scope": "read write"}, "invalid_scope"),
        ({"resource": API}, "invalid_target"),
    ):
        assert await error_of(await exchange(world, "app", held["refresh_token"], REFRESH, **asked, **more)) == (
            400,
            error,
        )
        assert (await exchange(world, "app", held["id_token"], ID, **asked, **more)).status == 200
    own = await exchanged(world, "app", held["refresh_token"], REFRESH, **asked, scope="read", resource=ORDERS)
    assert jwt.decode(own["access_token"], options={"verify_signature": False})["resource"] == ORDERS
    anonymous = (await signed_in(world, "read"))["refresh_token"]
    refused = await exchange(world, "app", anonymous, REFRESH, **asked)
    assert await error_of(refused) == (400, "invalid_request"), "no ID token would come of it"


async def test_one_audience_and_no_actor(login: tuple[World, dict[str, Any]]) -> None:
    world, held = login
    asked = {"requested_token_type": ID_JAG, "audience": CHAT}
    acted = await exchange(world, "app", held["id_token"], ID, **asked, **await acting(world, "app"))
    assert await error_of(acted) == (400, "invalid_request")
    pairs = [("grant_type", GrantTypeName.TOKEN_EXCHANGE), ("subject_token", held["id_token"])]
    pairs += [("subject_token_type", ID), ("requested_token_type", ID_JAG)]
    two = [("audience", CHAT), ("audience", "https://other.example")]
    assert await error_of(await world.form("/token", [*pairs, *two])) == (400, "invalid_request")
    await world.client("stranger", grant_types=(GrantTypeName.TOKEN_EXCHANGE,), exchange_issuers=(CHAT,))
    for kind in (ID, REFRESH):
        name = "id_token" if kind == ID else "refresh_token"
        stolen = await exchange(world, "stranger", held[name], kind, **asked)
        assert await error_of(stolen) == (400, "invalid_request")


async def test_identity_chaining_gives_a_plain_grant(login: tuple[World, dict[str, Any]]) -> None:
    """draft-ietf-oauth-identity-chaining: of an access token, too, and with who acts."""
    world, held = login
    asked = {"requested_token_type": JWT, "audience": CHAT, **await acting(world, "app")}
    body = await exchanged(world, "app", held["access_token"], **asked)
    assert (body["issued_token_type"], body["token_type"]) == (JWT, "N_A")
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "authorization-grant+jwt"
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["act"]) == (CHAT, {"sub": "app", "client_id": "app"})
    assert not await world.is_active(body["access_token"]), "it is no access token here"


async def test_identity_chaining_passes_on_no_more_than_the_token_allows(login: tuple[World, dict[str, Any]]) -> None:
    world, held = login
    asked = {"requested_token_type": JWT, "audience": CHAT}
    refused = await exchange(world, "app", held["access_token"], **asked, scope="read")
    assert await error_of(refused) == (400, "invalid_scope"), "of the client, and not of the token"
    assert (await exchanged(world, "app", held["access_token"], **asked, scope="openid"))["scope"] == "openid"


async def test_who_may_act_alone_is_not_lost_on_the_way(login: tuple[World, dict[str, Any]]) -> None:
    """The grant for the other server does not say it, so that anybody could act there."""
    world, _ = login
    given = {"issuer": LOGIN, "jwks": JWKS, "uses": ["token-exchange"]}
    await trusts.add_trust(world.issuer, TrustInput.read(given))
    may_act = {"sub": "app", "iss": ISSUER}
    token = Signer().sign(iss=LOGIN, sub="u-1", may_act=may_act)
    own = (await exchanged(world, "app", token, JWT, scope="read"))["access_token"]
    refused = await exchange(world, "app", own, requested_token_type=JWT, audience=CHAT)
    assert await error_of(refused) == (400, "invalid_request")


async def test_no_grant_is_about_a_client(login: tuple[World, dict[str, Any]]) -> None:
    """At the other server its client_id could be the name of a user."""
    world, _ = login
    own = (await acting(world, "app"))["actor_token"]
    refused = await exchange(world, "app", own, requested_token_type=JWT, audience=CHAT)
    assert await error_of(refused) == (400, "invalid_request")


async def test_discovery_names_both(world: World) -> None:
    document = discovery(world.issuer, ENDPOINTS.values() if isinstance(ENDPOINTS, dict) else ENDPOINTS)
    assert document["identity_chaining_requested_token_types_supported"] == [ID_JAG, JWT]
    assert document["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]


# redeemed
