"""The event revoked, where a client gives a grant back by its id."""

from tests.endpoints.test_grants import QUERY, REVOKE, ask, granted, own_token
from tests.hooks.receiver import Receiver, delivered, hooked
from tests.redis_shapes import Shape


async def test_hooks_hear_of_it(redis: Shape, receiver: Receiver) -> None:
    hooks = {"bank": {"url": receiver.url, "events": ["revoked"]}}
    async with hooked(redis, hooks, grant_management=True) as world:
        await world.openid_client(scopes=("openid", QUERY, REVOKE))
        await world.user()
        grant_id = (await granted(world))["grant_id"]
        assert (await ask(world, "DELETE", grant_id, await own_token(world))).status == 204
        await delivered(world)
        (heard,) = receiver.of("revoked")
        assert (heard["what"], heard["reason"], heard["grant_id"]) == ("grant", "revoked_by_client", grant_id)
