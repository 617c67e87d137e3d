"""Clients that register themselves by way of the caller (RFC 7591, RFC 7592): the endpoint decides, the caller answers."""

from typing import Any

import orjson
from pydantic import Field

from service.admin.client_numbers import find_client
from service.admin.errors import NotFound
from service.endpoints import register
from service.fronts.decision_api import client_json
from service.fronts.decision_api.answering import CallResult
from service.fronts.decision_api.body import Body, Text
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.fronts.decision_api.route import Call, Route
from service.issuer import Issuer
from service.protocol.decision import refuse
from service.protocol.errors import InvalidRequest, ProtocolError, TemporarilyUnavailable
from service.protocol.request import Request


class RegistrationBody(Body):
    """``json``: the body of the request as it came; ``token``: of its Authorization header; ``client_id``: in its URL."""

    metadata: Text = Field("", alias="json")
    token: Text = ""
    client_id: Text = ""


async def create(call: Call, body: RegistrationBody) -> CallResult:
    """The client registers (RFC 7591 3)."""
    return await _decided(call, body, "POST", "CREATED", ResultCode.CLIENT_CREATED)


async def get(call: Call, body: RegistrationBody) -> CallResult:
    """The client reads what is registered (RFC 7592 2.1)."""
    return await _decided(call, body, "GET", "OK", ResultCode.OK)


async def update(call: Call, body: RegistrationBody) -> CallResult:
    """The client puts other metadata in the place of its own (RFC 7592 2.2)."""
    return await _decided(call, body, "PUT", "UPDATED", ResultCode.CLIENT_UPDATED)


async def delete(call: Call, body: RegistrationBody) -> CallResult:
    """The client takes itself away (RFC 7592 2.3)."""
    return await _decided(call, body, "DELETE", "DELETED", ResultCode.CLIENT_DELETED)


async def _decided(call: Call, body: RegistrationBody, method: str, action: str, done: ResultCode) -> CallResult:
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
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        refused = "UNAUTHORIZED" if error.status == 401 else "BAD_REQUEST"
        return CallResult(of_error(error.error), {"responseContent": refuse(error).content.decode()}, refused)
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


_PATH = "/client/registration"
ROUTES = (
    Route(_PATH, create, RegistrationBody),
    Route(f"{_PATH}/get", get, RegistrationBody),
    Route(f"{_PATH}/update", update, RegistrationBody),
    Route(f"{_PATH}/delete", delete, RegistrationBody),
)
