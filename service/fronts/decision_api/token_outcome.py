"""/auth/token/issue and /fail: the caller reports whether the password was right."""

from typing import Annotated

from service.admin.audit import audited
from service.fronts.decision_api import tickets
from service.fronts.decision_api.body import AdditionsBody, Text, one_of
from service.fronts.decision_api.call import Body, Call, CallResult, Route, response_content
from service.fronts.decision_api.callers_directory import with_callers_directory
from service.fronts.decision_api.client_json import client_members
from service.fronts.decision_api.issued import tokens_issued, with_additions
from service.fronts.decision_api.result_codes import ResultCode
from service.grants.beginning_grants import fresh_authorization
from service.issuer import Issuer
from service.protocol.binding import Binding
from service.protocol.checked_types import Identifier
from service.protocol.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    ProtocolError,
    ServerError,
    UnauthorizedClient,
)
from service.protocol.names import GrantTypeName
from service.protocol.requested import Requested
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest
from service.tokens import issuing
from service.tokens.authorization import Issued
from service.tokens.binding import bind


class IssueTokensBody(AdditionsBody):
    """The user whose password was right."""

    ticket: Text
    subject: Identifier
    """The caller's subject of the user."""


async def issue(call: Call, body: IssueTokensBody) -> CallResult:
    """Issue tokens after the password was right; a ticket can be used once (AU-08)."""
    body.check_supported()
    waiting = await tickets.look_up(call, body.ticket)
    request = tickets.password_of(waiting, body.ticket)
    client = await tickets.client_of(call, waiting)
    async with tickets.used(call, body.ticket, waiting):
        return await _right(with_callers_directory(call.issuer), client, waiting, request, body)


async def _right(
    issuer: Issuer, client: Client, waiting: DecisionTicket, request: PasswordRequest, body: IssueTokensBody
) -> CallResult:
    members = await client_members(issuer, client, waiting.presented)
    facts = {"client_id": client.client_id, "grant_type": "password", "subject": body.subject}
    try:
        issued = await _issue(issuer, client, request, body)
    except ProtocolError as error:  # the user is disabled, or the client was changed
        members |= response_content(error)
        issuer.metrics.token_request("password", error.error)
        return CallResult(ResultCode.REFUSED, members, "INTERNAL_SERVER_ERROR", facts=facts)
    issuer.metrics.token_request("password", "ok")
    return await tokens_issued(issuer, client, issued, (), CallResult(members=members, facts=facts))


@audited("token.issue_for_password", "client:client.client_id", "user:body.subject", often=True)
async def _issue(issuer: Issuer, client: Client, request: PasswordRequest, body: IssueTokensBody) -> Issued:
    _check_still_allowed(client, request.binding)
    known = {member.name for member in request.properties}  # authlete-django sends the same ones twice
    added = request.properties + tuple(member for member in body.added() if member.name not in known)
    requested = Requested(request.scope, request.resources)
    begun = fresh_authorization(issuer, client, GrantTypeName.PASSWORD, requested, body.subject, request.username)
    authorization = with_additions(begun, added, body.access_token_duration or request.lifetime)
    return await issuing.issue(issuer, client, bind(authorization, request.binding))


def _check_still_allowed(client: Client, binding: Binding) -> None:
    """Refuse a client that an operator changed while its user was at the caller's. Raises UnauthorizedClient."""
    if GrantTypeName.PASSWORD not in client.grant_types:
        raise UnauthorizedClient(f"The client is not registered for the grant_type {GrantTypeName.PASSWORD.value}.")
    lacks_key = client.dpop_bound_access_tokens and not binding.jkt
    lacks_certificate = client.tls_client_certificate_bound_access_tokens and not binding.x5t_s256
    if lacks_key or lacks_certificate:
        raise UnauthorizedClient("The client may not have this.")


_REASONS: dict[str, ProtocolError] = {
    "UNKNOWN": ServerError("The request failed."),
    "INVALID_RESOURCE_OWNER_CREDENTIALS": InvalidGrant("The username or password is wrong."),
    "INVALID_TARGET": InvalidTarget("The resource is not allowed."),
    "INVALID_CLIENT": InvalidClient("The client is refused."),
    "UNAUTHORIZED_CLIENT": UnauthorizedClient("The client may not have this."),
    "INVALID_SCOPE": InvalidScope("The scope is not allowed."),
}
"""Wrong credentials of a user are invalid_grant (RFC 6749 section 5.2), though Authlete has invalid_request."""


class FailTokensBody(Body):
    """The reason why there are no tokens."""

    ticket: Text
    reason: Annotated[str, one_of(_REASONS)] = "UNKNOWN"


async def fail(call: Call, body: FailTokensBody) -> CallResult:
    """Return the error for the client, such as for a wrong password; a ticket can be used once (AU-09)."""
    error = _REASONS[body.reason]
    waiting = await tickets.look_up(call, body.ticket)
    tickets.password_of(waiting, body.ticket)
    async with tickets.used(call, body.ticket, waiting):
        pass
    call.issuer.metrics.token_request("password", error.error)
    action = "INTERNAL_SERVER_ERROR" if error.status >= 500 else "BAD_REQUEST"
    facts = {"client_id": waiting.client_id, "grant_type": "password", "error": error.error, "reason": body.reason}
    return CallResult(ResultCode.TOKEN_FAILED, response_content(error), action, facts=facts)


_BAD_TICKET = CallResult(
    ResultCode.INVALID_TICKET, response_content(ServerError("The ticket cannot be used.")), "INTERNAL_SERVER_ERROR"
)
"""Authlete has no own action for an invalid ticket, which is a fault of the caller's request."""
ROUTES = (
    Route("/auth/token/issue", issue, IssueTokensBody, bad_ticket=_BAD_TICKET),
    Route("/auth/token/fail", fail, FailTokensBody, bad_ticket=_BAD_TICKET),
)
