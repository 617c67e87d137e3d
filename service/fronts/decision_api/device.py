"""/device/authorization, /verification and /complete: the device flow (RFC 8628) with the caller's pages.

The caller has the page where users enter codes and delays guessing there, as it knows the user and their address. It may also
decide requests that devices sent to our own endpoint.
"""

from typing import Any

import msgspec

from service.admin.audit import audited
from service.client_auth import authenticate
from service.endpoints import device_authorization as endpoint
from service.fronts.decision_api.body import Text
from service.fronts.decision_api.call import Body, Call, CallError, CallResult, Route, max_age_member, milliseconds
from service.fronts.decision_api.callers_directory import with_callers_directory
from service.fronts.decision_api.client_json import client_members, method_name
from service.fronts.decision_api.client_request import ClientRequestBody, refused_as_unauthorized, request_of
from service.fronts.decision_api.completion_body import AUTHORIZED, CompletionBody
from service.fronts.decision_api.details_json import details_json
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.services import scopes_json
from service.issuer import Issuer
from service.login import device_requests
from service.login.client_display import name_of
from service.login.granting import begun_grant
from service.protocol import claims, user_codes
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.records.grant import Grant
from service.records.polled_request import PolledRequest
from service.tokens import polled_requests
from service.tokens.members import judge_members

# the device's request


async def authorization(call: Call, body: ClientRequestBody) -> CallResult:
    """Return the response for a device, as from our own endpoint."""
    issuer, request = call.issuer, request_of(call, body, endpoint.PATH)
    authenticated = await authenticate(issuer, request)
    authorization_request, begun = await endpoint.begin(issuer, request, authenticated)
    client = authenticated.client
    presented = client.alias if authenticated.alias_used and client.alias else client.client_id
    members = await _described(issuer, client, authorization_request, presented) | {
        "responseContent": endpoint.acknowledged(issuer, begun).content.decode(),
        "clientAuthMethod": method_name(client),
        "deviceCode": begun.device_code,
        "userCode": begun.user_code,
        "verificationUri": endpoint.page_of(issuer),
        "verificationUriComplete": endpoint.complete_page_of(issuer, begun.user_code),
        "expiresIn": begun.expires_in,
        "interval": begun.interval,
    }
    return CallResult(ResultCode.DEVICE_BEGUN, members, "OK", facts={"client_id": client.client_id})


async def _described(
    issuer: Issuer, client: Client, authorization_request: AuthorizationRequest, presented: str | None = None
) -> dict[str, Any]:
    """Return what the caller shows of a request."""
    return {
        **await client_members(issuer, client, presented),
        "clientName": name_of(issuer.settings, client),
        "scopes": scopes_json(issuer, client, authorization_request.scopes),
        "acrs": list(authorization_request.acr_values) or None,
        "maxAge": max_age_member(authorization_request.max_age),
        "resources": list(authorization_request.audience) or None,
        "authorizationDetails": details_json(authorization_request.members),
    }


# the user's code


class UserCodeBody(Body):
    """The code as the user entered it."""

    user_code: Text


class _UnusableCodeError(Exception):
    """No device waits with this code. ``is_over`` says whether one did before."""

    def __init__(self, *, is_over: bool) -> None:
        super().__init__()
        self.is_over = is_over


async def verification(call: Call, body: UserCodeBody) -> CallResult:
    """Describe the request of a user code."""
    try:
        _, record, client = await _find(call.issuer, body.user_code)
    except _UnusableCodeError as error:
        if error.is_over:
            return CallResult(ResultCode.USER_CODE_OVER, action="EXPIRED")
        return CallResult(ResultCode.USER_CODE_UNKNOWN, action="NOT_EXIST")
    members = await _described(call.issuer, client, record.request) | {"expiresAt": milliseconds(record.ends_at)}
    return CallResult(ResultCode.USER_CODE_WAITS, members, "VALID", facts={"client_id": client.client_id})


async def _find(issuer: Issuer, text: str) -> tuple[str, PolledRequest, Client]:
    """Return the reference of the request, the request and its client. Raises _UnusableCodeError."""
    code = user_codes.typed(text)
    reference = await issuer.store.user_codes.find(code) if code else ""
    if not reference:
        raise _UnusableCodeError(is_over=False)
    found = await device_requests.load(issuer, reference)
    if found is None:
        raise _UnusableCodeError(is_over=True)
    return reference, *found


# the decision


class CompleteDeviceBody(CompletionBody):
    """The decision of the user about a device."""

    user_code: Text


async def complete(call: Call, body: CompleteDeviceBody) -> CallResult:
    """Decide a request, once; the device learns of it at its next poll."""
    body.check(call.issuer.clock())
    subject = (body.subject or "") if body.result == AUTHORIZED else ""
    if body.result == AUTHORIZED and not subject:
        raise CallError(ResultCode.MALFORMED, "subject: is missing.")
    issuer = with_callers_directory(call.issuer)
    try:
        reference, record, client = await _find(issuer, body.user_code)
        await _decide(issuer, client, reference, record, body, subject)
    except _UnusableCodeError as error:
        if error.is_over:
            return CallResult(ResultCode.USER_CODE_OVER, action="USER_CODE_EXPIRED")
        return CallResult(ResultCode.USER_CODE_UNKNOWN, action="USER_CODE_NOT_EXIST")
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        raise CallError(ResultCode.REFUSED, error.description) from error
    facts = {"client_id": client.client_id, "subject": subject}
    return CallResult(ResultCode.DEVICE_COMPLETED, action="SUCCESS", facts=facts)


@audited("device.complete", "client:client.client_id", "user:subject", often=True)
async def _decide(
    issuer: Issuer, client: Client, reference: str, record: PolledRequest, body: CompleteDeviceBody, subject: str
) -> None:
    """Store the decision. Raises _UnusableCodeError where there is another one already."""
    if body.result == AUTHORIZED:
        grant = _grant(issuer, client, record.request, body, subject)
        await judge_members(issuer, client, subject, grant.members)
        is_first = await polled_requests.allow(issuer, client, reference, record, grant)
    else:
        is_first = await polled_requests.deny(issuer, reference)
    if not is_first:
        raise _UnusableCodeError(is_over=True)


def _grant(
    issuer: Issuer, client: Client, request: AuthorizationRequest, body: CompleteDeviceBody, subject: str
) -> Grant:
    """Return the grant for the permission that the caller reports, limited to what the client may have."""
    scope = request.scope
    if body.scopes is not None:
        scope = " ".join(dict.fromkeys(word for word in body.scopes if word in client.scopes))
    grant: Grant = msgspec.structs.replace(
        begun_grant(issuer, client, request, subject),
        grant_type=GrantTypeName.DEVICE_CODE.value,
        scope=scope,
        auth_time=body.auth_time,
        acr=body.acr,
        properties=body.added(),
        id_token_claims=claims.present(body.claims, {name.partition("#")[0] for name in body.claims}),
        sub=body.sub if body.sub and body.sub != subject else "",
    )
    return grant


ROUTES = (
    Route("/device/authorization", authorization, ClientRequestBody, refused=refused_as_unauthorized),
    Route("/device/verification", verification, UserCodeBody),
    Route("/device/complete", complete, CompleteDeviceBody),
)
