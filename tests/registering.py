"""Clients that register themselves by HTTP (RFC 7591, RFC 7592)."""

import json
from typing import Any

from tests.world import CALLBACK, World

WEB = {"redirect_uris": [CALLBACK], "client_name": "My App"}


async def register(world: World, metadata: Any = WEB, **headers: str) -> tuple[int, dict[str, Any]]:
    body = metadata if isinstance(metadata, bytes) else json.dumps(metadata)
    response = await world.http.post("/register", data=body, headers={"Content-Type": "application/json", **headers})
    return response.status, await response.json()


async def manage(world: World, made: dict[str, Any], method: str = "GET", token: str = "", **options: Any) -> Any:
    path = made["registration_client_uri"].removeprefix(world.issuer.url)
    bearer = {"Authorization": f"Bearer {token or made['registration_access_token']}"}
    return await world.http.request(method, path, headers=bearer, **options)
