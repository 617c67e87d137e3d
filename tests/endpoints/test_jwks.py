"""The JWK set, as everybody may read and keep it."""

import orjson

from service.endpoints import jwks
from tests.world import World


async def test_it_has_every_published_key_and_no_private_part(world: World) -> None:
    """RFC 7517 section 5, IT-09."""
    response = await world.http.get("/jwks")
    keys = orjson.loads(await response.read())["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "PS256", "ES256", "ES384", "EdDSA"}
    assert not [key for key in keys if {"d", "p", "q"} & set(key)]
    lifetime = world.issuer.settings.jwks_lifetime
    assert response.headers["Cache-Control"] == f"public, max-age={lifetime}"


async def test_whoever_has_it_gets_no_second_copy(world: World) -> None:
    first = jwks.decide(world.issuer, "")
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert jwks.decide(world.issuer, known).status == 304
    assert jwks.decide(world.issuer, '"x"').content == first.content
