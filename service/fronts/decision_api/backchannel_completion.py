"""/backchannel/authentication/complete: the caller reports the decision of the user about a CIBA request.

The client may also have sent the request to our own endpoint: then the ticket is that of the hook's notification.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
import orjson
from pydantic import Field

from service.admin.audit import audited
from service.fronts.decision_api import tickets
from service.fronts.decision_api.body import OWN_LIFETIMES, Text
from service.fronts.decision_api.call import Call, CallError, CallResult, Route
from service.fronts.decision_api.callers_directory import with_callers_directory
from service.fronts.decision_api.client_json import client_members, enum_name
from service.fronts.decision_api.completion_body import AUTHORIZED, DENIED, CompletionBody
from service.fronts.decision_api.details_json import OptionalDetails, read_details
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.tickets import TicketError
from service.issuer import Issuer
from service.login import backchannel_requests
from service.login.backchannel_requests import LoadedRequest
from service.login.granting import begun_grant
from service.login.interaction import StaleError
from service.protocol import claims
from service.protocol.authorization_details import NAME
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import OPENID, DeliveryMode
from service.records.grant import Grant
from service.tokens.backchannel_requests import TRANSACTION_FAILED, pushed_tokens
from service.tokens.id_tokens import subject_for
from service.tokens.members import judge_members
from service.tokens.polled_requests import end_pause


class CompleteBackchannelBody(CompletionBody):
    """The decision of the user about a CIBA request."""

    ticket: Text
    authorization_details: OptionalDetails = None
    error_description: Annotated[str, Field(max_length=400)] = ""
    refresh_token_duration: int = 0
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {**CompletionBody.UNSUPPORTED, "refresh_token_duration": OWN_LIFETIMES}


async def complete(call: Call, body: CompleteBackchannelBody) -> CallResult:
    """Decide a request, once. The answer has the notification for the client where the caller is to send it."""
    body.check(call.issuer.clock())
    issuer, loaded = with_callers_directory(call.issuer), await _loaded(call, body.ticket)
    subject = _subject(issuer, loaded, body) if body.result == AUTHORIZED else ""
    try:
        await _decide(issuer, loaded, body, subject)
    except StaleError as error:
        raise TicketError from error
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        raise CallError(ResultCode.REFUSED, error.description) from error
    return await _answer(issuer, loaded, body, subject)


async def _loaded(call: Call, ticket: str) -> LoadedRequest:
    """Return the request of a ticket, if this caller may decide it. Raises TicketError."""
    try:
        loaded = await backchannel_requests.load(call.issuer, ticket)
    except StaleError:
        waiting = await tickets.look_up(call, ticket)
        try:
            loaded = await backchannel_requests.load(call.issuer, waiting.reference)
        except StaleError as error:
            raise TicketError from error
    if loaded.waiting.api_key not in ("", call.api_key):
        raise TicketError
    return loaded


def _subject(issuer: Issuer, loaded: LoadedRequest, body: CompleteBackchannelBody) -> str:
    """Return the subject who allowed it, which must be the one that was asked. Raises CallError."""
    waiting = loaded.waiting
    subject = body.subject or waiting.subject
    if not subject:
        raise CallError(ResultCode.MALFORMED, "subject: is missing.")
    if waiting.subject not in ("", subject):
        raise CallError(ResultCode.REFUSED, "subject: the request is for another user.")
    known_as = body.sub or subject_for(issuer, loaded.client, subject)
    if waiting.expects not in ("", known_as):
        raise CallError(ResultCode.REFUSED, "subject: the client named another user by id_token_hint.")
    return subject


@audited("backchannel.complete", "client:loaded.client.client_id", "user:subject", often=True)
async def _decide(issuer: Issuer, loaded: LoadedRequest, body: CompleteBackchannelBody, subject: str) -> None:
    if body.result != AUTHORIZED:
        await backchannel_requests.deny(issuer, loaded)
        return
    grant = _grant(issuer, loaded, body, subject)
    await judge_members(issuer, loaded.client, subject, grant.members)
    await backchannel_requests.allow(issuer, loaded, grant)


def _grant(issuer: Issuer, loaded: LoadedRequest, body: CompleteBackchannelBody, subject: str) -> Grant:
    """Return the grant for the permission that the caller reports, limited to what the client may have."""
    client, request = loaded.client, loaded.waiting.request
    scope = request.scope
    if body.scopes is not None:
        kept = (word for word in body.scopes if word in client.scopes)
        scope = " ".join(dict.fromkeys((OPENID, *kept)))
    members = request.members
    if body.authorization_details is not None:
        members = (members or {}) | {NAME: read_details(issuer, client, body.authorization_details)}
    about = claims.present(body.claims, {name.partition("#")[0] for name in body.claims})
    grant: Grant = msgspec.structs.replace(
        begun_grant(issuer, client, request, subject),
        scope=scope,
        auth_time=body.auth_time,
        acr=body.acr,
        properties=body.added(),
        id_token_claims=about,
        sub=body.sub if body.sub and body.sub != subject else "",
        members=members,
    )
    return grant


async def _answer(issuer: Issuer, loaded: LoadedRequest, body: CompleteBackchannelBody, subject: str) -> CallResult:
    """Return the notification for the client (CIBA Core 10.2, 10.3, 12); none where it polls, or where we send it."""
    client, waiting = loaded.client, loaded.waiting
    members = await client_members(issuer, client) | {"deliveryMode": enum_name(waiting.mode)}
    facts = {"client_id": client.client_id, "subject": subject}
    done = CallResult(ResultCode.BACKCHANNEL_COMPLETED, members, "NO_ACTION", facts=facts)
    if waiting.mode is DeliveryMode.POLL or not waiting.api_key:
        return done
    content: Mapping[str, Any] = {"auth_req_id": waiting.auth_req_id}
    await end_pause(issuer, waiting.auth_req_id)
    if waiting.mode is DeliveryMode.PUSH:
        content = {**content, **await _pushed(issuer, loaded, body)}
    members |= {
        "responseContent": orjson.dumps(content).decode(),
        "authReqId": waiting.auth_req_id,
        "clientNotificationEndpoint": client.backchannel_client_notification_endpoint,
        "clientNotificationToken": waiting.notification_token,
        "accessToken": content.get("access_token"),
        "accessTokenDuration": content.get("expires_in", 0),
        "refreshToken": content.get("refresh_token"),
        "idToken": content.get("id_token"),
    }
    return done._replace(members=members, action="NOTIFICATION")


async def _pushed(issuer: Issuer, loaded: LoadedRequest, body: CompleteBackchannelBody) -> dict[str, Any]:
    """Return the tokens or the error for a client with push mode."""
    if body.result == AUTHORIZED:
        return await pushed_tokens(issuer, loaded.client, loaded.waiting.auth_req_id)
    error = "access_denied" if body.result == DENIED else TRANSACTION_FAILED
    return {"error": error} | ({"error_description": body.error_description} if body.error_description else {})


_BAD_TICKET = CallResult(
    ResultCode.INVALID_TICKET, action="SERVER_ERROR", facts={"error": "invalid_request", "reason": "ticket"}
)
ROUTES = (Route("/backchannel/authentication/complete", complete, CompleteBackchannelBody, bad_ticket=_BAD_TICKET),)
