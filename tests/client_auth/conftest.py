"""A client that proves itself by private_key_jwt."""

import pytest

from service.protocol.names import ClientAuthMethod
from tests.assertions import JWKS
from tests.world import World


@pytest.fixture
async def app(world: World) -> World:
    await world.client(auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS)
    return world
