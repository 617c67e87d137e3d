"""/auth/userinfo and /issue: which claims an access token is good for; then the caller brings their values."""

from service.endpoints.userinfo import PATH, names_of, opened_for_claims, rendered
from service.fronts.decision_api.body import JsonObject, Text, properties_json
from service.fronts.decision_api.call import Body, Call, CallResult, Route
from service.fronts.decision_api.client_json import client_members
from service.fronts.decision_api.presented_proofs import PresentedTokenBody, certificate_of, refused_proof
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.protocol import claims
from service.protocol.checked_types import Identifier
from service.protocol.decision import JSON, refuse
from service.protocol.errors import BearerError, InvalidDpopProof, ProtocolError, TokenRequired, UseDpopNonce
from service.tokens.id_tokens import sub_of

_ACTIONS = {400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN"}


async def userinfo(call: Call, body: PresentedTokenBody) -> CallResult:
    """Whose token it is and which claims it gives access to; ``responseContent`` of a refusal is for WWW-Authenticate."""
    if not body.token:
        raise TokenRequired
    try:
        token, client = await opened_for_claims(call.issuer, body.token, await certificate_of(call, body, PATH))
    except (InvalidDpopProof, UseDpopNonce) as error:
        return refused_proof(call, error)
    members = await client_members(call.issuer, client) | {
        "subject": token.grant.subject,
        "scopes": token.scope.split(),
        "claims": sorted(names_of(call.issuer, token)),
        "token": body.token,
        "properties": properties_json(client.properties, token.grant.properties, token.record.properties),
    }
    facts = {"client_id": client.client_id, "subject": token.grant.subject}
    return CallResult(ResultCode.USERINFO, members, "OK", facts=facts)


class IssueUserInfoBody(Body):
    """The claims that the caller brings; what the sender of the token shows beside it was looked at before."""

    token: Text = ""
    claims: JsonObject | None = None
    sub: Identifier | None = None
    """What the client calls the user, None = as its ID tokens do."""


async def issue(call: Call, body: IssueUserInfoBody) -> CallResult:
    """The claims for the client, as JSON or as the JWT that it is registered for; never more than the token allows."""
    if not body.token:
        raise TokenRequired
    token, client = await opened_for_claims(call.issuer, body.token, None)
    about_user = claims.present(body.claims or {}, names_of(call.issuer, token))
    about_user["sub"] = body.sub or sub_of(call.issuer, client, token.grant)
    decision = await rendered(call.issuer, client, about_user)
    action = "JSON" if decision.headers["Content-Type"] == JSON else "JWT"
    facts = {"client_id": client.client_id, "subject": token.grant.subject}
    members = {"responseContent": decision.content.decode()}
    return CallResult(ResultCode.USERINFO_ISSUED, members, action, facts=facts)


def _refused(error: ProtocolError) -> CallResult:
    """Why the token will not do, as a challenge. Raises other errors again."""
    if isinstance(error, TokenRequired):
        challenge = f'Bearer error="invalid_request", error_description="{error.description}"'
        facts = {"error": "invalid_request", "reason": error.description}
        return CallResult(ResultCode.TOKEN_MISSING, {"responseContent": challenge}, "BAD_REQUEST", facts=facts)
    if not isinstance(error, BearerError):
        raise error
    members = {"responseContent": refuse(error).headers["WWW-Authenticate"]}
    facts = {"error": error.error, "reason": error.log or error.description}
    return CallResult(of_error(error.error), members, _ACTIONS[error.status], facts=facts)


ROUTES = (
    Route("/auth/userinfo", userinfo, PresentedTokenBody, refused=_refused),
    Route("/auth/userinfo/issue", issue, IssueUserInfoBody, refused=_refused),
)
