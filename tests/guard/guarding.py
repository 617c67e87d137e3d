"""Tokens for an API, and guards of it."""

import asyncio
from typing import Any

from service.guard import Guard, Refused
from tests.guarded import bearer
from tests.world import World

API = "https://api.example.com"


async def token_of(world: World, **client: Any) -> str:
    made = await world.client(audiences=(API,), **client)
    world.issuer.store.clients.forget(["app"])
    return str((await world.tokens(made, scope="read", audience=(API,)))["access_token"])


async def listening(guard: Guard) -> Guard:
    await guard.start()
    async with asyncio.timeout(5):
        while not guard._hears:
            await asyncio.sleep(0.01)
    return guard


async def is_let_in(guard: Guard, token: str) -> bool:
    try:
        await guard.check(**bearer(token))
    except Refused as refused:
        if refused.status != 401:
            raise
        return False
    return True
