"""Dynamic client registration (RFC 7591) and its management (RFC 7592): one path, four methods."""

from typing import Any

import orjson

from service.admin import client_ending, registration
from service.admin.registration import REGISTER_PATH
from service.endpoints.bearer import bearer_token
from service.endpoints.endpoint import Content, MachineEndpoint, always
from service.issuer import Issuer
from service.protocol.decision import NO_STORE, Action, Decision
from service.protocol.errors import InvalidClientMetadata, TokenRequired
from service.protocol.request import Request

NAME = "register"


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Register (POST); read, change or delete (GET, PUT, DELETE) with ``?client_id=`` and the registration access token.

    Raises InvalidRedirectUri, InvalidClientMetadata (400), TokenRequired (401), TooManyRegistrations (429),
    TemporarilyUnavailable.
    """
    if request.method == "POST":
        made = await _registered(issuer, request)
        issuer.metrics.request(NAME, "created")
        return _answer(201, made)
    client_id, token = request.parameters.get("client_id", ""), bearer_token(request)
    client = await registration.open_registered(issuer, client_id, token)
    if request.method == "DELETE":
        await client_ending.delete_client(issuer, client.client_id)
        return _answer(204, None)
    if request.method == "PUT":
        described = await registration.replace(issuer, client, _metadata(request))
    else:
        described = registration.describe(issuer, client)
    # RFC 7592 section 3 demands it, and a hash is all that is stored
    return _answer(200, described | {"registration_access_token": token})


async def _registered(issuer: Issuer, request: Request) -> dict[str, Any]:
    if issuer.settings.registration == "open" and request.authorization is None:
        return await registration.register(issuer, _metadata(request), registration.Registrant(request.address))
    if request.authorization is None:
        raise TokenRequired("An initial access token is required to register a client.")
    token, metadata = bearer_token(request), _metadata(request)
    # A use is spent once we have fetched something: otherwise one token would allow any number of fetches.
    returnable = "sector_identifier_uri" not in metadata
    async with registration.initial_access_token_spent(issuer, token, returnable=returnable):
        return await registration.register(issuer, metadata)


def _metadata(request: Request) -> dict[str, Any]:
    try:
        metadata = orjson.loads(request.content)
    except orjson.JSONDecodeError as error:
        raise InvalidClientMetadata("The body must be a JSON object.") from error
    if not isinstance(metadata, dict):
        raise InvalidClientMetadata("The body must be a JSON object.")
    return metadata


def _answer(status: int, body: dict[str, Any] | None) -> Decision:
    return Decision(Action.OK, status, b"" if body is None else orjson.dumps(body), NO_STORE)


ENDPOINT = MachineEndpoint(
    name=NAME,
    paths=always(REGISTER_PATH),
    methods=always("POST", "GET", "PUT", "DELETE"),
    metadata=lambda issuer: {"registration_endpoint": issuer.url_of(REGISTER_PATH)},
    is_on=lambda issuer: issuer.settings.registration != "off",
    handle=decide,
    content=Content.BYTES,
)
