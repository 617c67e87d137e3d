"""Copies of a grant lie in Redis as grants of the service do."""

import pytest

from loadtests.filling import fill
from loadtests.supplies import supplier
from service.store.keys import Keys
from tests.redis_shapes import Shape

COUNT, SAMPLE = 5_000, 1_000


async def test_copies_have_the_keys_of_a_grant_and_its_size(redis: Shape) -> None:
    admin, keys = redis.primaries()[0].admin, Keys()
    async with supplier(redis) as supplies:
        before = admin.dbsize()
        made = await fill(redis, supplies, COUNT, SAMPLE)
        assert len(made) == SAMPLE
        per_grant = (admin.dbsize() - before) / (COUNT + 1)  # with the one that is copied
        assert per_grant == 4, "grant, access and refresh token, and the index of the user, who has no other grant"
        one, copy = made[0], f"{1:022x}"
        (access,) = admin.scan_iter(keys.access_token(copy, "*"), count=100_000)
        pairs = {keys.grant(one.grant_id): keys.grant(copy), keys.access_token(one.grant_id, one.access_hash): access}
        for own, copied in pairs.items():
            assert admin.memory_usage(copied) == pytest.approx(
                admin.memory_usage(own), rel=0.2
            )  # Valkey lays some out otherwise
            assert 0 <= admin.pexpiretime(own) - admin.pexpiretime(copied) < 60_000
        assert await supplies.issuer.store.grants.open(copy) is not None
