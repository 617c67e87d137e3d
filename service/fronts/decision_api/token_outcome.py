"""/auth/token/issue and /fail: the caller says whether the password was right."""

from service.admin.audit import audited
from service.fronts.decision_api import tickets
from service.fronts.decision_api.answering import CallError, CallResult
from service.fronts.decision_api.body import Body, PropertiesBody, PropertyBody, Text
from service.fronts.decision_api.callers_directory import with_callers_directory
from service.fronts.decision_api.issued import Duration, check_supported, issued_members, ok, with_additions
from service.fronts.decision_api.naming import client_members
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.route import Call, Route
from service.fronts.decision_api.tickets import TicketError
from service.grants.fresh import fresh_authorization
from service.issuer import Issuer
from service.protocol.checked_types import Identifier
from service.protocol.decision import refuse
from service.protocol.errors import InvalidGrant, InvalidTarget, ProtocolError, ServerError, TemporarilyUnavailable
from service.protocol.names import GrantTypeName
from service.protocol.requested import Requested
from service.records.client import Client
from service.records.decision_ticket import DecisionTicket, PasswordRequest
from service.records.property import Property
from service.tokens.authorization import Issued
from service.tokens.issuing import issue as mint


class IssueBody(Body):
    """``subject``: who it was, as the caller knows them."""

    ticket: Text
    subject: Identifier
    properties: PropertiesBody = ()
    access_token_duration: Duration = 0
    access_token: Text = ""
    jwt_at_claims: Text = ""


async def issue(call: Call, body: IssueBody) -> CallResult:
    """The password was right: tokens, once (AU-08)."""
    check_supported(body)
    try:
        waiting = await tickets.look_up(call, body.ticket)
        request = tickets.password_of(waiting, body.ticket)
        client = await tickets.client_of(call, waiting)
        async with tickets.used(call, body.ticket, waiting):
            return await _right(with_callers_directory(call.issuer), client, waiting, request, body)
    except TicketError:
        return _bad_ticket()


async def _right(
    issuer: Issuer, client: Client, waiting: DecisionTicket, request: PasswordRequest, body: IssueBody
) -> CallResult:
    added = request.properties + _further(body.properties, request.properties)
    members = await client_members(issuer, client, waiting.presented)
    facts = {"client_id": client.client_id, "grant_type": "password", "subject": body.subject}
    try:
        issued = await _issue(issuer, client, request, added, body)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:  # the user is disabled here, or the client was changed: nothing for the caller to do
        issuer.metrics.token_request("password", error.error)
        content = refuse(error).content.decode()
        return CallResult(
            ResultCode.REFUSED, {**members, "responseContent": content}, "INTERNAL_SERVER_ERROR", facts=facts
        )
    issuer.metrics.token_request("password", "ok")
    return ok(issued, members | await issued_members(issuer, client, issued, ()), facts)


@audited("token.issue_for_password", "client:client.client_id", "user:body.subject", often=True)
async def _issue(
    issuer: Issuer, client: Client, request: PasswordRequest, added: tuple[Property, ...], body: IssueBody
) -> Issued:
    begun = fresh_authorization(
        issuer,
        client,
        GrantTypeName.PASSWORD,
        Requested(request.scope, request.resources),
        body.subject,
        request.username,
    )
    return await mint(issuer, client, with_additions(begun, added, body.access_token_duration or request.lifetime))


def _further(given: tuple[PropertyBody, ...], before: tuple[Property, ...]) -> tuple[Property, ...]:
    """Those that were not given with the request already: authlete-django sends the same ones twice."""
    known = {member.name for member in before}
    return tuple(member.record() for member in given if member.key not in known)


_REASONS: dict[str, ProtocolError] = {
    "UNKNOWN": ServerError("The request failed."),
    "INVALID_RESOURCE_OWNER_CREDENTIALS": InvalidGrant("The username or password is wrong."),
    "INVALID_TARGET": InvalidTarget("The resource is not allowed."),
}
"""Wrong credentials of a user are invalid_grant (RFC 6749 section 5.2), where Authlete says invalid_request."""


class FailBody(Body):
    ticket: Text
    reason: str = "UNKNOWN"


async def fail(call: Call, body: FailBody) -> CallResult:
    """The password was wrong, or something else was: an error for the client, once (AU-09)."""
    error = _REASONS.get(body.reason)
    if error is None:
        raise CallError(ResultCode.MALFORMED, f"reason: must be one of {', '.join(_REASONS)}.")
    try:
        waiting = await tickets.look_up(call, body.ticket)
        tickets.password_of(waiting, body.ticket)
        async with tickets.used(call, body.ticket, waiting):
            pass
    except TicketError:
        return _bad_ticket()
    call.issuer.metrics.token_request("password", error.error)
    action = "INTERNAL_SERVER_ERROR" if error.status >= 500 else "BAD_REQUEST"
    facts = {"client_id": waiting.client_id, "grant_type": "password", "error": error.error, "reason": body.reason}
    members = {"responseContent": refuse(error).content.decode()}
    return CallResult(ResultCode.TOKEN_FAILED, members, action, facts=facts)


def _bad_ticket() -> CallResult:
    """Authlete's actions have no word of its own for it: the caller's request was wrong."""
    content = refuse(ServerError("The ticket cannot be used.")).content.decode()
    return CallResult(ResultCode.INVALID_TICKET, {"responseContent": content}, "INTERNAL_SERVER_ERROR")


ROUTES = (
    Route("/auth/token/issue", issue, IssueBody),
    Route("/auth/token/fail", fail, FailBody),
)
