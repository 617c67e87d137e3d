"""/auth/userinfo and /issue: the claims that an access token gives access to, then their values from the caller."""

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
    """Return the user and the claims of a token; ``responseContent`` of a refusal is for WWW-Authenticate."""
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
    """The claims of the caller. Proofs of possession were checked by the call before."""

    token: Text = ""
    claims: JsonObject | None = None
    sub: Identifier | None = None
    """The subject for the client; left out: that of its ID tokens."""


async def issue(call: Call, body: IssueUserInfoBody) -> CallResult:
    """Return the claims that the token allows, as JSON or as the JWT that the client is registered for."""
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
    """Return the answer for a refused token, with a challenge. Raises other errors again."""
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
