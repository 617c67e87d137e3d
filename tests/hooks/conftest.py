"""A webhook for the tests of hooks."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.hooks.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    application = web.Application()
    application.router.add_post("/hook", made.hear)
    async with TestServer(application) as server:
        made.url = f"http://127.0.0.1:{server.port}/hook"
        yield made
