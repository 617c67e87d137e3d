"""What we signed for another purpose is exchanged for nothing, and neither is an ID token that speaks of something else."""

import time
from typing import Any

import pytest

from service.protocol.credentials import GRANT_ID_LENGTH
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from tests.assertions import ISSUER
from tests.exchanging import ACCESS, EXCHANGE, ID, JWT, ORDERS, acting, app, exchange, exchanged
from tests.world import ALL_GRANT_TYPES, World, error_of

SIGNED: dict[str, tuple[str, dict[str, Any]]] = {
    "a logout token": ("logout+jwt", {"events": {}}),
    "a logout token that says that it is none": ("JWT", {"events": {}}),
    "an ID-JAG of ours": ("oauth-id-jag+jwt", {"client_id": "app"}),
    "a grant for another server": ("authorization-grant+jwt", {}),
    "an introspection response": ("token-introspection+jwt", {}),
    "an authorization response": ("JWT", {"jti": None, "sub": None, "code": "x"}),
    "UserInfo": ("JWT", {"jti": None, "exp": None}),
    "an ID token that is over": ("JWT", {"exp": 1_700_000_000}),
    "an ID token of another issuer": ("JWT", {"iss": "https://other.example"}),
    "an ID token about another user": ("JWT", {"sub": "bob"}),
    "an ID token for another client": ("JWT", {"aud": "other"}),
    "an ID token for several": ("JWT", {"aud": ["app", "other"]}),
    "an ID token of no grant": ("JWT", {"jti": "x" * 44}),
    "an access token of no grant": ("at+jwt", {"client_id": "app", "jti": "x" * 44}),
}


@pytest.mark.parametrize(("typ", "changes"), SIGNED.values(), ids=list(SIGNED))
async def test_what_we_signed_for_something_else(world: World, typ: str, changes: dict[str, Any]) -> None:
    client = await app(world)
    await world.client("other", grant_types=(*ALL_GRANT_TYPES, EXCHANGE), exchange_from=("app",))
    held = await world.tokens(client, scope="openid read", audience=(ORDERS,))
    keyring = world.issuer.keyring
    assert keyring
    now = int(time.time())
    good = {"iss": ISSUER, "sub": "alice", "aud": "app", "iat": now, "exp": now + 60}
    good["jti"] = held["access_token"][6 : 6 + GRANT_ID_LENGTH] + "x" * 22
    right = keyring.sign(SigningAlgorithm.ES256, good)
    assert (await exchange(world, "app", right, ID)).status == 200
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    token = keyring.sign(SigningAlgorithm.ES256, claims, typ=typ)
    for kind in (ID, JWT, ACCESS):
        assert await error_of(await exchange(world, "app", token, kind)) == (400, "invalid_request")
        assert await error_of(await exchange(world, "other", token, kind)) == (400, "invalid_request")


async def test_a_stateless_token_says_who_acts_and_nothing_more(world: World) -> None:
    """It is kept nowhere: what came of it as a subject could end with nothing."""
    client = await app(world)
    await world.client(
        "agent",
        grant_types=("client_credentials", EXCHANGE),
        access_token_format=AccessTokenFormat.STATELESS,
        exchange_from=("app",),
    )
    held = await world.tokens(client, scope="read", audience=(ORDERS,))
    actor = await acting(world, "agent")
    body = await exchanged(world, "agent", held["access_token"], **actor)
    assert body["access_token"].startswith("mm_at_") is False, "a JWT, as the client has them"
    said = await world.introspect(body["access_token"], "agent")
    assert (said["sub"], said["act"]["client_id"]) == ("alice", "agent")
    assert await world.revoke(held["access_token"])
    assert not await world.is_active(body["access_token"], "agent"), "kept, for all that"
    assert await error_of(await exchange(world, "agent", actor["actor_token"])) == (400, "invalid_request")
