"""A user's index of grants is the way to all of them: nothing leaves it that may be alive."""

from collections.abc import Sequence

import pytest

from service.protocol.errors import TemporarilyUnavailable
from service.redis.connection import KeyedCommand
from service.store.keys import Keys
from tests.world import World


async def test_a_grant_that_could_not_be_ended_stays_in_its_users_index(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a Cluster they lie on two servers, of which one may be away: who then ends all of the user's grants must find it."""
    tokens = await world.tokens(await world.client())
    store = world.issuer.store
    grant_id = tokens["access_token"][6:28]
    sent: list[KeyedCommand] = []

    async def nobody_answers(steps: Sequence[KeyedCommand]) -> None:
        sent.extend(steps)
        raise TemporarilyUnavailable

    with monkeypatch.context() as away:
        away.setattr(store.connection, "execute_all", nobody_answers)
        away.setattr(store.connection, "execute_soon", lambda *step: sent.append(step))
        with pytest.raises(TemporarilyUnavailable):
            await store.grants.revoke(grant_id, "alice")
    assert {step[0] for step in sent} == {Keys().grant(grant_id)}
    assert await store.grants.revoke_user("alice") == 1
