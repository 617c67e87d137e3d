"""/backchannel/authentication, /issue and /fail: a CIBA request is validated, then stored for its user or refused."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import orjson
from pydantic import Field

from service.client_auth import AuthenticatedClient, authenticate
from service.endpoints import backchannel_authentication as endpoint
from service.fronts.decision_api import tickets
from service.fronts.decision_api.body import Text, one_of
from service.fronts.decision_api.call import Body, Call, CallResult, Route, max_age_member, response_content
from service.fronts.decision_api.client_json import client_members, enum_name, method_name
from service.fronts.decision_api.client_request import ClientRequestBody, refused_as_unauthorized, request_of
from service.fronts.decision_api.details_json import details_json
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.services import scopes_json
from service.issuer import Issuer
from service.login import backchannel_requests
from service.login.backchannel_hints import expected_subject
from service.login.client_display import name_of
from service.protocol.backchannel_request import BackchannelRequest
from service.protocol.decision import refuse
from service.protocol.errors import (
    AccessDenied,
    ExpiredLoginHintToken,
    InvalidBindingMessage,
    InvalidRequest,
    InvalidTarget,
    InvalidUserCode,
    MissingUserCode,
    ProtocolError,
    ServerError,
    UnauthorizedClient,
    UnknownUserId,
)
from service.records.decision_ticket import DecisionTicket

# the request


async def authentication(call: Call, body: ClientRequestBody) -> CallResult:
    """Validate a request, whose user the caller then has to find."""
    request = request_of(call, body, endpoint.PATH)
    authenticated = await authenticate(call.issuer, request)
    ciba_request = await endpoint.validated(call.issuer, request, authenticated, by_backend=True)
    client, presented = authenticated.client, _presented(authenticated)
    expects = await expected_subject(call.issuer, client, ciba_request)
    waiting = DecisionTicket(call.api_key, client.client_id, presented, client.generation, expects=expects)
    members = await _described(call.issuer, authenticated, ciba_request, expects)
    members["ticket"] = await tickets.give_backchannel(call, waiting, ciba_request)
    facts = {"client_id": client.client_id, "scope": ciba_request.request.scope}
    return CallResult(ResultCode.BACKCHANNEL_IDENTIFICATION, members, "USER_IDENTIFICATION", facts=facts)


def _presented(authenticated: AuthenticatedClient) -> str:
    client = authenticated.client
    return client.alias if authenticated.alias_used and client.alias else client.client_id


async def _described(
    issuer: Issuer, authenticated: AuthenticatedClient, ciba_request: BackchannelRequest, expects: str
) -> dict[str, Any]:
    """Return what the caller needs in order to find and ask the user."""
    client, request = authenticated.client, ciba_request.request
    return {
        **await client_members(issuer, client, _presented(authenticated)),
        "clientName": name_of(issuer.settings, client),
        "clientAuthMethod": method_name(client),
        "deliveryMode": enum_name(client.delivery_mode),
        "scopes": scopes_json(issuer, client, request.scopes),
        "acrs": list(request.acr_values) or None,
        "maxAge": max_age_member(request.max_age),
        "hintType": ciba_request.hint_kind.upper(),
        "hint": ciba_request.hint,
        "sub": expects or None,
        "bindingMessage": ciba_request.binding_message or None,
        "userCode": ciba_request.user_code,
        "userCodeRequired": client.backchannel_user_code_parameter,
        "requestedExpiry": ciba_request.lifetime or 0,
        "clientNotificationToken": ciba_request.notification_token or None,
        "resources": list(request.audience) or None,
        "authorizationDetails": details_json(request.members),
    }


# the user is known


class BackchannelTicketBody(Body):
    """The ticket of /backchannel/authentication."""

    ticket: Text


async def issue(call: Call, body: BackchannelTicketBody) -> CallResult:
    """Store the request and return its auth_req_id for the client, while the caller asks the user."""
    issuer, waiting = call.issuer, await tickets.look_up(call, body.ticket)
    ciba_request, client = tickets.backchannel_of(waiting, body.ticket), await tickets.client_of(call, waiting)
    async with tickets.used(call, body.ticket, waiting):
        begun = await backchannel_requests.begin(
            issuer, client, ciba_request, None, api_key=call.api_key, expects=waiting.expects
        )
        kept = msgspec.structs.replace(waiting, sealed_backchannel="", reference=begun.reference)
        await issuer.store.decision_tickets.keep(body.ticket, kept, begun.expires_in)
    decision = endpoint.acknowledged(issuer, client, begun)
    answer = orjson.loads(decision.content)
    issuer.metrics.request(endpoint.NAME, "ok")
    members = {
        "responseContent": decision.content.decode(),
        "authReqId": begun.auth_req_id,
        "expiresIn": begun.expires_in,
        "interval": answer.get("interval", 0),
    }
    return CallResult(ResultCode.BACKCHANNEL_ISSUED, members, "OK", facts={"client_id": client.client_id})


# the user is not known

_REASONS: dict[str, Callable[[str], ProtocolError]] = {
    "EXPIRED_LOGIN_HINT_TOKEN": ExpiredLoginHintToken,
    "UNKNOWN_USER_ID": UnknownUserId,
    "UNAUTHORIZED_CLIENT": UnauthorizedClient,
    "MISSING_USER_CODE": MissingUserCode,
    "INVALID_USER_CODE": InvalidUserCode,
    "INVALID_BINDING_MESSAGE": InvalidBindingMessage,
    "INVALID_TARGET": InvalidTarget,
    "ACCESS_DENIED": lambda description: AccessDenied(description, status=403),
    "SERVER_ERROR": ServerError,
}


class FailBackchannelBody(BackchannelTicketBody):
    """The reason why the user is not asked."""

    reason: Annotated[str, one_of(_REASONS)] = "SERVER_ERROR"
    error_description: Annotated[str, Field(max_length=400)] = ""
    """The description for the client."""


async def fail(call: Call, body: FailBackchannelBody) -> CallResult:
    """Return the error for the client where the user is unknown or must not be asked (CIBA Core section 13)."""
    waiting = await tickets.look_up(call, body.ticket)
    tickets.backchannel_of(waiting, body.ticket)
    async with tickets.used(call, body.ticket, waiting):
        pass
    error = _REASONS[body.reason](body.error_description)
    action = "FORBIDDEN" if error.status == 403 else refuse(error).action.value
    facts = {"client_id": waiting.client_id, "error": error.error, "reason": body.reason}
    return CallResult(ResultCode.BACKCHANNEL_FAILED, response_content(error), action, facts=facts)


_EXPIRED = InvalidRequest("The request has expired, or was answered already; please start again.")
_BAD_TICKET = CallResult(
    ResultCode.INVALID_TICKET,
    response_content(_EXPIRED),
    "INVALID_TICKET",
    facts={"error": _EXPIRED.error, "reason": _EXPIRED.description},
)
_BAD_TICKET_TO_FAIL = _BAD_TICKET._replace(action="BAD_REQUEST")
ROUTES = (
    Route("/backchannel/authentication", authentication, ClientRequestBody, refused=refused_as_unauthorized),
    Route("/backchannel/authentication/issue", issue, BackchannelTicketBody, bad_ticket=_BAD_TICKET),
    Route("/backchannel/authentication/fail", fail, FailBackchannelBody, bad_ticket=_BAD_TICKET_TO_FAIL),
)
