"""Requests that clients poll for, started and decided without a browser."""

import asyncio
from typing import Any

from aiohttp import ClientResponse

from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import Kind
from service.protocol.names import GrantTypeName, ResponseMode, ResponseType
from service.records.client import Client
from service.records.grant import Grant
from service.records.polled_request import PolledRequest
from service.tokens import polled_requests
from service.tokens.polled_requests import FreshRequest
from tests.world import ALL_GRANT_TYPES, World

GRANT_TYPES = (*ALL_GRANT_TYPES, GrantTypeName.DEVICE_CODE.value)
PENDING, SLOW_DOWN = (400, "authorization_pending"), (400, "slow_down")
DENIED, EXPIRED, REFUSED = (400, "access_denied"), (400, "expired_token"), (400, "invalid_grant")


def record_of(world: World, client: Client, lifetime: int = 600, binding: Binding = UNBOUND) -> PolledRequest:
    """Return the record of a client's request."""
    request = AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri="",
        redirect_uri_given=False,
        response_type=ResponseType.CODE,
        response_mode=ResponseMode.QUERY,
        scope="read write",
        binding=binding,
    )
    return PolledRequest(request, client.generation, int(world.issuer.clock()) + lifetime)


async def begin(world: World, client: Client, lifetime: int = 600, binding: Binding = UNBOUND) -> FreshRequest:
    """Start a request of a client, which then waits."""
    record = record_of(world, client, lifetime, binding)
    fresh = polled_requests.prepare(world.issuer, Kind.DEVICE_CODE)
    await polled_requests.begin(world.issuer, client, fresh, record, interval=5, lifetime=lifetime)
    return fresh


async def allow(world: World, client: Client, reference: str, subject: str = "alice", **changes: Any) -> bool:
    """Allow a request, if it still waits."""
    record = await polled_requests.load(world.issuer, reference)
    if record is None:
        return False
    now = int(world.issuer.clock())
    facts: dict[str, Any] = {"client_id": client.client_id, "subject": subject, "scope": record.request.scope}
    facts |= {"grant_type": GrantTypeName.DEVICE_CODE.value, "issued_at": now, "auth_time": now}
    grant = Grant(**(facts | {"client_generation": client.generation} | changes))
    return await polled_requests.allow(world.issuer, client, reference, record, grant)


async def poll(world: World, device_code: str, client_id: str | None = "app", **form: str) -> ClientResponse:
    """Make a token request with a device code."""
    return await world.token(client_id, grant_type=GrantTypeName.DEVICE_CODE.value, device_code=device_code, **form)


def after_the_pause(world: World) -> None:
    """Let the polling interval pass."""
    world.expire(":pause")


async def poll_at_once(world: World, device_code: str, count: int, client_id: str = "app") -> list[ClientResponse]:
    """Poll so many times concurrently."""
    return list(await asyncio.gather(*(poll(world, device_code, client_id) for _ in range(count))))
