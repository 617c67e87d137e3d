"""A client that proves itself by private_key_jwt."""

import time

from aiohttp import ClientResponse

from service.protocol.names import SigningAlgorithm
from tests.assertions import Signer, proof
from tests.world import World

ES256, RS256 = SigningAlgorithm.ES256, SigningAlgorithm.RS256


NOW = int(time.time())


async def ask(world: World, assertion: str, path: str = "/token", **form: str) -> ClientResponse:
    wished = {"grant_type": "client_credentials", "token": "x"} | form
    return await world.post(path, wished | proof(assertion), None)


GOOD = Signer()
