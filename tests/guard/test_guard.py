"""The guard of resource servers: who is let in, what is remembered, and that what ends is forgotten at once."""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from mintmark_guard import Guard, Refused
from service.crypto.key_material import generate
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from tests.guard.guarding import API, is_let_in, listening, token_of
from tests.guarded import bearer, request_with
from tests.world import CALLBACK, SECRET, World


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_tokens_of_the_type_jwt_are_let_in_and_id_tokens_are_not(
    served: World, guards: Callable[..., Guard], kind: str
) -> None:
    """``jwt_typ`` of the resource: other APIs of the same audience may refuse at+jwt. A client may be called like an API."""
    look = {API: {"format": "jwt", "jwt_typ": "JWT"}}
    async with served.having(issuer=served.issuer.url, resource_tokens=look) as world:
        client = await world.openid_client(API, audiences=(API,))
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        code = await world.code(client, scope="openid read", audience=(API,))
        header = {"Authorization": "Basic " + b64encode(f"{quote(API, safe='')}:{SECRET}".encode()).decode()}
        tokens = await (await world.http.post("/token", data=form | {"code": code}, headers=header)).json()
        guard = guards(kind, **({"jwt_typ": "JWT"} if kind == "jwks" else {}))
        assert (await guard.check(**bearer(tokens["access_token"]))).subject == "alice"
        assert not await is_let_in(guard, tokens["id_token"])
        assert await is_let_in(guards(kind), tokens["access_token"]) is (kind == "introspection")


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_a_good_token_is_let_in(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    found = await guards(kind).check(**bearer(token), scopes={"read"})
    assert (found.subject, found.client_id, found.scopes) == ("alice", "app", frozenset({"read"}))
    with pytest.raises(Refused) as refused:
        await guards(kind).check(**bearer(token, scheme="bearer"), scopes={"read", "write"})
    assert (refused.value.status, refused.value.error) == (403, "insufficient_scope")
    assert 'scope="read write"' in refused.value.headers["WWW-Authenticate"], "all that are needed (RFC 6750 3)"


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
async def test_a_token_for_another_resource_is_not(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    assert not await is_let_in(guards(kind, "https://other.example.com"), token)


@pytest.mark.parametrize("kind", ["jwks", "introspection"])
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic x", "Bearer x", "Bearer a.b.c", "Bearer ü", "Bearer " + "x" * 9000]
)
async def test_what_is_no_token_is_not(guards: Callable[..., Guard], kind: str, header: str | None) -> None:
    with pytest.raises(Refused) as refused:
        await guards(kind).check(**request_with(header))
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
    is_a_token = header is not None and header.startswith("Bearer")
    assert ("error" in refused.value.headers["WWW-Authenticate"]) == is_a_token, "RFC 6750 3.1"
    assert json.loads(refused.value.body)["error_description"]


async def test_its_audience_may_have_scheme_and_host_in_upper_case(served: World, guards: Callable[..., Guard]) -> None:
    """RFC 3986 section 6.2.2.1; everything else is another API."""
    token = await token_of(served)
    assert await is_let_in(guards(audience="HTTPS://API.example.com"), token)
    for other in ("https://api.example.com/", "https://api.example.com/A", "https://api.example.com.evil.example"):
        assert not await is_let_in(guards(audience=other), token)


async def test_a_refresh_token_is_no_access_token(served: World, guards: Callable[..., Guard]) -> None:
    made = await served.client("api", audiences=(API,), introspect=True, resources=(API,))
    tokens = await served.tokens(made, scope="read", audience=(API,))
    for guard in (guards(), await listening(guards(redis_url=served.redis.url))):
        assert await is_let_in(guard, tokens["access_token"])
        assert not await is_let_in(guard, tokens["refresh_token"]), "though its own client may introspect it"


async def test_forged_jwts_are_not(served: World, guards: Callable[..., Guard]) -> None:
    client: dict[str, Any] = {"access_token_format": AccessTokenFormat.JWT, "scopes": ("openid", "read")}
    good = await token_of(served, **client)
    guard = guards("jwks")
    assert await is_let_in(guard, good)
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    mine = generate(SigningAlgorithm.RS256, 2048)
    made = await served.client(audiences=(API,), **client)
    id_token = (await served.tokens(made, scope="openid read", audience=(API,)))["id_token"]
    for forged in (
        jwt.encode(claims, mine, "RS256", headers=header),
        jwt.encode(claims, None, "none", headers={**header, "alg": "none"}),  # type: ignore[arg-type]
        jwt.encode(claims, "x" * 64, "HS256", headers={**header, "alg": "HS256"}),
        good[:-4] + "AAAA",
        id_token,
    ):
        assert not await is_let_in(guard, forged)


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"aud": "x"}, {"iss": "https://evil.example"}, {"client_id": None}, {"exp": None}]
)
async def test_a_jwt_must_say_all_that_it_must(
    served: World, guards: Callable[..., Guard], claims: dict[str, Any]
) -> None:
    keyring = served.issuer.keyring
    assert keyring is not None
    now = int(time.time())
    told = {
        "iss": served.issuer.url,
        "aud": API,
        "sub": "a",
        "client_id": "app",
        "iat": now,
        "exp": now + 60,
        "jti": "x",
    }
    guard = guards("jwks")
    assert await is_let_in(guard, keyring.sign(SigningAlgorithm.ES256, told, typ="at+jwt"))
    assert not await is_let_in(guard, keyring.sign(SigningAlgorithm.ES256, told))
    changed = {name: value for name, value in (told | claims).items() if value is not None}
    assert not await is_let_in(guard, keyring.sign(SigningAlgorithm.ES256, changed, typ="at+jwt"))
