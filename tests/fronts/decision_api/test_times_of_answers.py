"""The times of one answer agree, whatever second begins while it is made, and say when something was done."""

import json
import time
from typing import Any

import pytest

from service.protocol.names import RefreshRotation
from tests.deciding import Backend, backend
from tests.fronts.decision_api.authorizing import ask, issue, sent
from tests.fronts.decision_api.token_administering import NUMBER, app, create
from tests.fronts.decision_api.token_calls import ask as ask_for_tokens
from tests.moments import stepping
from tests.world import CALLBACK, World


async def test_a_second_that_begins_while_an_answer_is_made(world: World) -> None:
    """AU-17, AU-18, AU-20, AU-21: a lifetime is what was asked for, and an end is when the credential ends in Redis."""
    client = await world.openid_client(grant_types=("authorization_code", "implicit", "refresh_token"))
    async with world.with_part(clock=stepping(time.time())) as stepped, backend(stepped) as caller:
        answer = await issue(caller, (await ask(caller, response_type="code token")).ticket, accessTokenDuration=600)
        assert (answer.accessTokenDuration, sent(answer.responseContent)["expires_in"]) == (600, "600")
        assert answer.accessTokenExpiresAt == 1000 * (await world.introspect(answer.accessToken))["exp"]
        code = await world.code(client)
        bought = await ask_for_tokens(caller, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
        assert bought.accessTokenDuration == json.loads(bought.responseContent)["expires_in"] == 3600
        assert bought.refreshTokenDuration == world.issuer.settings.refresh_idle_lifetime
        assert bought.refreshTokenExpiresAt == 1000 * (await world.introspect(bought.refreshToken))["exp"]
        await app(world)
        made = await create(caller, scopes=["read"])
        assert made.expiresIn == 3600
        assert made.expiresAt == 1000 * (await world.introspect(made.accessToken, str(NUMBER)))["exp"]


async def _listed(caller: Backend) -> Any:
    (one,) = (await caller.ask("getTokenList", subject="alice")).accessTokens
    return one


@pytest.mark.parametrize("lives_on", [True, False], ids=["refresh token stays", "refresh token rotates"])
async def test_a_grant_tells_when_it_was_refreshed(caller: Backend, lives_on: bool) -> None:
    """Authlete tier 2, token list: 0 until it was, however long the client took to redeem its code."""
    world = caller.world
    rotation = RefreshRotation.NEVER if lives_on else RefreshRotation.ALWAYS
    client = await world.client(refresh_rotation=rotation, access_token_lifetime=600)
    code = await world.code(client)
    async with world.later(30) as then:
        tokens = await (await then.redeem(code)).json()
    assert (await _listed(caller)).lastRefreshedAt == 0
    async with world.later(100) as then, then.standing() as then:
        refreshed = await then.refresh(tokens["refresh_token"])
        assert refreshed.status == 200
        assert (await _listed(caller)).lastRefreshedAt == (0 if lives_on else 1000 * int(then.issuer.clock()))
