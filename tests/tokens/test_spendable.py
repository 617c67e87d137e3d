"""A kind of credential that this house does not know: exchanged by ``issue`` as codes and refresh tokens are."""

import asyncio
import inspect
import re

import pytest

from service.observe.events import Event
from service.protocol.binding import UNBOUND
from service.protocol.credentials import Credential, Kind, hashed, new_credential, new_grant_id
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.records.grant import Grant
from service.store.spending import NewTokens, Outcome, Spending, WaitingReply
from service.store.store import Store
from service.tokens import issuing, replay
from service.tokens.authorization import Authorization, granted_by
from service.tokens.issuing import issue
from service.tokens.replay import ReplayedError, check_not_replayed
from service.tokens.spendable import Spendable
from tests.world import World


class Voucher(Spendable, frozen=True, kw_only=True):
    """Kept as one key, and spent by deleting it."""

    GRANT_TYPE = GrantTypeName.CLIENT_CREDENTIALS
    REPLAYED = Event.CODE_REPLAYED
    REPEATED = Event.CODE_REPEATED
    NAME = "voucher"
    REPLAY = "voucher was already used"

    async def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Spending:
        """Whoever deletes it begins the grant; whoever comes later ends it."""
        key = _key(self.credential)
        if await store.connection.execute(key, "DEL", key):
            return Spending(Outcome.SPENT if await store.tokens.issue(self.grant, new) else Outcome.ENDED)
        await store.grants.revoke(self.credential.grant_id, self.grant.subject)
        return Spending(Outcome.REPLAYED)


def _key(credential: Credential) -> str:
    return f"mm:{{{credential.grant_id}}}:voucher:{credential.hash}"


async def _voucher(world: World, client: Client) -> Authorization:
    issuer = world.issuer
    text = new_credential(Kind.AUTHORIZATION_CODE, new_grant_id(issuer.random_text), issuer.random_text)
    credential = Credential(Kind.AUTHORIZATION_CODE, text[6:28], hashed(text))
    await issuer.store.connection.execute(_key(credential), "SET", _key(credential), "", "EX", 60)
    grant = Grant(client.client_id, "alice", scope="read", issued_at=int(issuer.clock()))
    spends = Voucher(credential=credential, grant=grant, presented=text)
    return Authorization(grant, granted_by(grant), spends)


def test_what_exchanges_it_asks_for_no_kind() -> None:
    for module in (issuing, replay):
        assert not re.search(r"isinstance|PresentedCode|RefreshToken", inspect.getsource(module))


async def test_it_buys_tokens_that_can_be_refreshed(world: World) -> None:
    client = await world.client()
    issued = await issue(world.issuer, client, await _voucher(world, client))
    assert await world.is_active(issued.access_token)
    assert (await world.refresh(issued.refresh_token)).status == 200
    assert not world.key_names(":voucher:")


async def test_of_many_at_once_one_gets_tokens_and_the_grant_ends(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = await world.client()
    authorization = await _voucher(world, client)
    tries = [issue(world.issuer, client, authorization) for _ in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, InvalidGrant) for outcome in outcomes) >= 19
    assert "code_replayed" in {record.getMessage() for record in caplog.records}


async def test_one_that_was_read_as_spent_is_replayed(world: World) -> None:
    client = await world.client()
    spends = (await _voucher(world, client)).spends
    assert isinstance(spends, Voucher)
    used = Voucher(
        credential=spends.credential, grant=spends.grant, presented=spends.presented, is_spent=True, reply=b""
    )
    with pytest.raises(ReplayedError):
        check_not_replayed(used, UNBOUND)
    with pytest.raises(ReplayedError, match="already used"):
        await issue(world.issuer, client, Authorization(used.grant, granted_by(used.grant), used))
