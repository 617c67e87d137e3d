"""Replay checks of a token request: an assertion's ``jti``, and whatever else counts once, such as a proof's."""

import asyncio

import pytest

from service.grants import GRANT_TYPES
from service.protocol.errors import InvalidRequest, TemporarilyUnavailable
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.store.replay_checks import ReplayCheck, Use, confirm
from service.store.tokens import Tokens
from service.tokens.authorization import Authorization
from service.tokens.issuing import issue
from service.tokens.token_request import TokenRequest
from tests.world import CALLBACK, World


def _proof(world: World, jti: str, *, is_irreplaceable: bool = False) -> ReplayCheck:
    """A proof that no method of client authentication and no grant type knows."""
    issuer = world.issuer
    return issuer.store.replay_checks.record(
        Use(
            name=f"dpop\0{jti}",
            ends_at=int(issuer.clock()) + 60,
            by=issuer.randomness(16),
            refusal=lambda: InvalidRequest("The proof was used before."),
            is_irreplaceable=is_irreplaceable,
        )
    )


async def _authorized(world: World, **form: str) -> Authorization:
    request = Request(form)
    client = await world.issuer.store.clients.get("app")
    assert client is not None
    token_request = TokenRequest(request, client, Requested.of(request), [])
    return await GRANT_TYPES[form["grant_type"]].authorize(world.issuer, token_request)


async def test_of_many_uses_at_once_one_is_the_first(world: World) -> None:
    checks = [_proof(world, "1") for _ in range(50)]
    firsts = await asyncio.gather(*(check.is_first_use() for check in checks))
    assert sum(firsts) == 1
    with pytest.raises(InvalidRequest, match="used before"):
        await confirm(checks)
    await confirm([_proof(world, "2"), _proof(world, "3")])


async def test_a_replayed_proof_spends_no_code(world: World) -> None:
    client = await world.client()
    code = await world.code(client)
    authorization = await _authorized(world, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    await confirm([_proof(world, "1")])
    with pytest.raises(InvalidRequest):
        await issue(world.issuer, client, authorization, [_proof(world, "2"), _proof(world, "1")])
    assert (await world.redeem(code)).status == 200


@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
async def test_a_replayed_proof_leaves_no_grant(world: World, grant_type: str) -> None:
    await world.user()
    client = await world.client()
    form = {"username": "alice", "password": "wonderland"} if grant_type == "password" else {}
    authorization = await _authorized(world, grant_type=grant_type, **form)
    await confirm([_proof(world, "1")])
    with pytest.raises(InvalidRequest):
        await issue(world.issuer, client, authorization, [_proof(world, "1")])
    assert not world.ends(":access:")
    assert not (await world.issuer.store.grants.list_of_user("alice")).grants


@pytest.mark.parametrize("is_irreplaceable", [True, False])
async def test_only_what_cannot_be_made_again_may_be_used_again(
    world: World, monkeypatch: pytest.MonkeyPatch, is_irreplaceable: bool
) -> None:
    """P7: after 503 nothing came of its use."""

    async def away(*_: object) -> bool:
        raise TemporarilyUnavailable

    client = await world.client()
    authorization = await _authorized(world, grant_type="client_credentials")
    with monkeypatch.context() as patched:
        patched.setattr(Tokens, "save_client_grant", away)
        check = _proof(world, "1", is_irreplaceable=is_irreplaceable)
        with pytest.raises(TemporarilyUnavailable):
            await issue(world.issuer, client, authorization, [check])
    assert await _proof(world, "1").is_first_use() == is_irreplaceable
