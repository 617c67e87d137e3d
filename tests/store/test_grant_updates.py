"""Changing what was granted in its place: sent again it is the same change, and it brings nothing back."""

import msgspec

from service.protocol.credentials import parse
from service.protocol.requested import Granted
from service.records.grant import Grant
from service.records.property import Property
from service.store.grant_updates import GrantSnapshot, GrantUpdate, UpdateAnswer
from service.tokens import issuing
from service.tokens.authorization import Authorization
from tests.patience import PATIENCE
from tests.world import World


async def held(world: World) -> GrantSnapshot:
    """Alice's token for the client app, with a property of its own, as it is kept."""
    client = await world.client()
    grant = Grant(
        "app", "alice", scope="read write", client_generation=client.generation, issued_at=int(world.issuer.clock())
    )
    authorization = Authorization(grant, Granted("read", ()), properties=(Property("n", 1, in_introspection=True),))
    issued = await issuing.issue(world.issuer, client, authorization)
    credential = parse(issued.access_token)
    assert credential is not None
    found = await world.issuer.store.grant_updates.read(credential.grant_id, credential.hash)
    assert found is not None
    return found


def amended(found: GrantSnapshot, scope: str = "write", longer: int = 60) -> GrantUpdate:
    """Another scope, and a longer life."""
    assert found.access is not None
    return GrantUpdate(
        msgspec.structs.replace(found.grant, scope=scope),
        msgspec.structs.replace(found.access, scope=None),
        found.access_ends_at + longer,
    )


async def test_a_change_that_is_sent_again_is_the_same_change(any_world: World) -> None:
    """P3: after a dropped connection nobody knows whether it was done."""
    amending = any_world.issuer.store.grant_updates
    found = await held(any_world)
    wanted = amended(found)
    for _ in range(3):
        assert await amending.write(found, wanted) is UpdateAnswer.UPDATED
        now = await amending.read(found.grant_id, found.access_hash)
        assert now is not None
        assert (now.grant.scope, now.access_ends_at) == ("write", found.access_ends_at + 60)


async def test_sent_again_after_the_end_it_brings_nothing_back(any_world: World) -> None:
    """P3, P6."""
    amending = any_world.issuer.store.grant_updates
    found = await held(any_world)
    wanted = amended(found)
    assert await amending.write(found, wanted) is UpdateAnswer.UPDATED
    assert await any_world.issuer.store.grants.revoke(found.grant_id, "alice")
    assert await amending.write(found, wanted) is UpdateAnswer.ENDED
    assert await amending.read(found.grant_id, found.access_hash) is None


async def test_what_was_changed_meanwhile_is_left_alone(world: World) -> None:
    """Both records stay as they are, whichever of them it was."""
    amending = world.issuer.store.grant_updates
    found = await held(world)
    assert await amending.write(found, amended(found, "write")) is UpdateAnswer.UPDATED
    assert await amending.write(found, amended(found, "read", longer=900)) is UpdateAnswer.CHANGED
    now = await amending.read(found.grant_id, found.access_hash)
    assert now is not None
    assert (now.grant.scope, now.access_ends_at) == ("write", found.access_ends_at + 60)


async def test_an_access_token_that_is_gone_takes_the_change_with_it(world: World) -> None:
    """All or nothing: the grant, which its refresh token keeps alive, is not changed either."""
    amending = world.issuer.store.grant_updates
    found = await held(world)
    world.expire(":access:")
    assert await amending.write(found, amended(found)) is UpdateAnswer.ENDED
    whole = await amending.read(found.grant_id)
    assert whole is not None
    assert whole.grant.scope == "read write"


async def test_those_who_remember_what_it_was_are_told(world: World) -> None:
    """The channel of what has ended: resource servers ask again."""
    found = await held(world)
    heard = world.redis.nodes[0].admin.pubsub()
    heard.subscribe("mm:ended")
    assert heard.get_message(timeout=PATIENCE)["type"] == "subscribe"  # from here on
    assert await world.issuer.store.grant_updates.write(found, amended(found)) is UpdateAnswer.UPDATED
    assert heard.get_message(timeout=PATIENCE)["data"] == f"mm:{{{found.grant_id}}}".encode()
