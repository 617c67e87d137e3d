"""Operators of a service on a real Redis, each in a browser of their own."""

from collections.abc import AsyncIterator

import pytest

from tests.console import Operator, Port, operators_port
from tests.world import World


@pytest.fixture
async def port(world: World) -> AsyncIterator[Port]:
    """The operators' port."""
    async with operators_port(world) as http:
        yield http


@pytest.fixture
async def alice(world: World, port: Port) -> Operator:
    """An operator who is signed in."""
    operator = Operator(world, port)
    assert (await operator.sign_in()).heading == "Dashboard"
    return operator


@pytest.fixture
async def bob(world: World, port: Port) -> Operator:
    """Another one."""
    operator = Operator(world, port, "bob")
    assert (await operator.sign_in()).heading == "Dashboard"
    return operator
