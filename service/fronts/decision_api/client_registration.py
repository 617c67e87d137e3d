"""Dynamic registration by way of the caller (RFC 7591, RFC 7592): our endpoint decides, the caller sends the response."""

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
    """The body as it was received."""
    token: Text = ""
    """The token in the Authorization header."""
    client_id: Text = ""
    """The client_id in the URL."""


async def _decided(call: Call, body: RegistrationBody, method: str, action: str, done: ResultCode) -> CallResult:
    """Return the answer to a request with this method; its result is ``done`` where it succeeds."""
    if call.issuer.settings.registration == "off":
        raise InvalidRequest("Clients cannot register themselves here.")
    request = Request(
        {"client_id": await _own_name(call.issuer, body.client_id)} if body.client_id else {},
        f"Bearer {body.token}" if body.token else None,
        "",  # only the caller knows the client's address; its own would count as one network for all clients
        method=method,
        content=body.metadata.encode(),
        by_backend=True,
    )
    content = (await register.decide(call.issuer, request)).content.decode()
    described = None
    if content:  # a deletion has none
        client = await find_client(call.issuer, orjson.loads(content)["client_id"])
        described = await client_json.describe(call.issuer, client)
    return CallResult(done, {"responseContent": content, "client": described}, action)


def _refused(error: ProtocolError) -> CallResult:
    action = "UNAUTHORIZED" if error.status == 401 else "BAD_REQUEST"
    return CallResult(of_error(error.error), response_content(error), action)


async def _own_name(issuer: Issuer, identifier: str) -> str:
    """Return the client_id of a client that the caller may know by its number."""
    try:
        return (await find_client(issuer, identifier)).client_id
    except NotFound:
        return identifier


def _route(path: str, method: str, action: str, done: ResultCode, text: str) -> Route:
    async def answer(call: Call, body: RegistrationBody) -> CallResult:
        return await _decided(call, body, method, action, done)

    answer.__doc__ = text
    return Route(f"/client/registration{path}", answer, RegistrationBody, refused=_refused)


ROUTES = (
    _route("", "POST", "CREATED", ResultCode.CLIENT_CREATED, "Register a client as it describes itself."),
    _route("/get", "GET", "OK", ResultCode.OK, "Show a registered client to itself."),
    _route(
        "/update",
        "PUT",
        "UPDATED",
        ResultCode.CLIENT_UPDATED,
        "Put this in the place of what a client said of itself.",
    ),
    _route("/delete", "DELETE", "DELETED", ResultCode.CLIENT_DELETED, "Delete a client as it asks."),
)
"""Register, read, replace and delete (RFC 7591 section 3, RFC 7592 section 2)."""
