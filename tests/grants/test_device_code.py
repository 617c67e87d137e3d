"""grant_type=urn:ietf:params:oauth:grant-type:device_code (RFC 8628 sections 3.4 and 3.5)."""

import pytest

from service.records.client import Client
from tests.polling import GRANT_TYPES, PENDING, allow, begin, poll
from tests.world import ALL_GRANT_TYPES, World, error_of


@pytest.fixture
async def client(world: World) -> Client:
    return await world.client(grant_types=GRANT_TYPES, audiences=("https://a.example", "https://b.example"))


async def test_a_device_code_is_required(world: World, client: Client) -> None:
    assert client
    response = await world.token(grant_type="urn:ietf:params:oauth:grant-type:device_code")
    assert await error_of(response) == (400, "invalid_request")


async def test_a_client_that_is_not_registered_for_it_does_not_poll(world: World, client: Client) -> None:
    begun = await begin(world, client)
    await world.change(client, grant_types=ALL_GRANT_TYPES)
    assert await error_of(await poll(world, begun.credential)) == (400, "unauthorized_client")


async def test_who_may_not_refresh_gets_no_refresh_token(world: World, client: Client) -> None:
    await world.change(client, grant_types=("urn:ietf:params:oauth:grant-type:device_code",))
    begun = await begin(world, client)
    await allow(world, client, begun.reference)
    tokens = await (await poll(world, begun.credential)).json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}


async def test_the_access_token_is_for_the_resource_that_is_asked_for(world: World, client: Client) -> None:
    """RFC 8707, within what was allowed."""
    begun = await begin(world, client)
    await allow(world, client, begun.reference, audience=("https://a.example", "https://b.example"))
    tokens = await (await poll(world, begun.credential, resource="https://b.example")).json()
    assert (await world.introspect(tokens["access_token"]))["aud"] == ["https://b.example"]


async def test_a_poll_with_a_wrong_secret_changes_nothing(world: World, client: Client) -> None:
    begun = await begin(world, client)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun.credential}
    assert await error_of(await world.post("/token", form, secret="wrong")) == (401, "invalid_client")
    assert await error_of(await poll(world, begun.credential)) == PENDING


async def test_polls_are_no_refusals_that_operators_look_at(world: World, client: Client) -> None:
    """They are counted; in the log and in the console they would hide what is news."""
    begun = await begin(world, client)
    for _ in range(3):
        await poll(world, begun.credential)
    assert not world.issuer.refusals.take()
    assert b'reason="authorization_pending"} 1.0' in world.issuer.metrics.exposition()
