"""Clients that register themselves by way of the caller (RFC 7591, RFC 7592): the endpoint decides, the caller answers."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from pydantic import Field

from service.admin.client_numbers import find_client
from service.admin.errors import NotFound
from service.endpoints import register
from service.fronts.decision_api import client_json
from service.fronts.decision_api.body import Text
from service.fronts.decision_api.call import Body, Call, CallResult, Route, response_content
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.issuer import Issuer
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.request import Request


class RegistrationBody(Body):
    """The parts of a client's request."""

    metadata: Text = Field("", alias="json")
    """The body as it came."""
    token: Text = ""
    """Of the Authorization header."""
    client_id: Text = ""
    """In the URL."""


async def _decided(call: Call, body: RegistrationBody, method: str, action: str, done: ResultCode) -> CallResult:
    """The answer to a request of this method, which is ``done`` where it is not refused."""
    try:
        if call.issuer.settings.registration == "off":
            raise InvalidRequest("Clients cannot register themselves here.")
        request = Request(
            {"client_id": await _own_name(call.issuer, body.client_id)} if body.client_id else {},
            f"Bearer {body.token}" if body.token else None,
            "",  # whose address it is, only the caller knows: its own would be one network for everybody
            method=method,
            content=body.metadata.encode(),
        )
        decision = await register.decide(call.issuer, request)
    except ProtocolError as error:
        refused = "UNAUTHORIZED" if error.status == 401 else "BAD_REQUEST"
        return CallResult(of_error(error.error), response_content(error), refused)
    content = decision.content.decode()
    return CallResult(done, {"responseContent": content, "client": await _told(call.issuer, content)}, action)


async def _told(issuer: Issuer, content: str) -> dict[str, Any] | None:
    """The client that the response is about; None where it is gone."""
    if not content:
        return None
    return await client_json.describe(issuer, await find_client(issuer, orjson.loads(content)["client_id"]))


async def _own_name(issuer: Issuer, identifier: str) -> str:
    """The client_id of a client that the caller may know by its number."""
    try:
        return (await find_client(issuer, identifier)).client_id
    except NotFound:
        return identifier


def _by(method: str, action: str, done: ResultCode) -> Callable[[Call, RegistrationBody], Awaitable[CallResult]]:
    return lambda call, body: _decided(call, body, method, action, done)


ROUTES = (
    Route("/client/registration", _by("POST", "CREATED", ResultCode.CLIENT_CREATED), RegistrationBody),
    Route("/client/registration/get", _by("GET", "OK", ResultCode.OK), RegistrationBody),
    Route("/client/registration/update", _by("PUT", "UPDATED", ResultCode.CLIENT_UPDATED), RegistrationBody),
    Route("/client/registration/delete", _by("DELETE", "DELETED", ResultCode.CLIENT_DELETED), RegistrationBody),
)
"""Register, read, replace and delete (RFC 7591 section 3, RFC 7592 section 2)."""
