"""Grant management: a client reads what a user allowed it, and revokes it (Grant Management for OAuth 2.0, FAPI draft).

New grants come from the authorization endpoint (``create``) only; none is merged into another one, or replaces it. Access
tokens are stored as what differs from their grant, without a list of them: a changed grant would change all that were issued.
"""

import re
from typing import Any

import orjson

from service.endpoints.bearer import challenged, presented_token
from service.endpoints.endpoint import MachineEndpoint, always
from service.issuer import Issuer
from service.protocol.authorization_details import NAME as AUTHORIZATION_DETAILS
from service.protocol.credentials import GRANT_ID_LENGTH
from service.protocol.decision import NO_STORE, Action, Decision, answer
from service.protocol.errors import InsufficientScope, InvalidGrantId, InvalidToken
from service.protocol.request import Request
from service.records.grant import Grant
from service.tokens.binding import possession_of
from service.tokens.ending import end_grant
from service.tokens.opening import open_access_token

NAME = "grants"
PATH = "/grants"
QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
"""Scopes of the access token."""
_GRANT_ID = re.compile(rf"[A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}}", re.ASCII)


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Return what is granted (GET), or end it with everything it issued (DELETE): 204.

    The grant is a user's and the client's own; for others the response does not reveal whether they exist. Raises InvalidToken,
    InvalidDpopProof, UseDpopNonce (401), InsufficientScope (403), InvalidGrantId (404), TemporarilyUnavailable.
    """
    presented = presented_token(request)
    possession = await possession_of(issuer, request, presented.text)
    token, client = await open_access_token(issuer, presented.text, possession)
    if token.record.binding.token_type != presented.scheme:
        raise InvalidToken(log=f"token is sent as {presented.scheme}")
    wanted = REVOKE if request.method == "DELETE" else QUERY
    if wanted not in token.scope.split():
        raise InsufficientScope(wanted)
    grant_id = request.url.rpartition("/")[2]
    listed = await issuer.store.grants.open(grant_id) if _GRANT_ID.fullmatch(grant_id) else None
    if listed is None or not client.grant_is_current(listed.grant):
        raise InvalidGrantId("There is no such grant of this client.")
    if request.method == "GET":
        issuer.metrics.request(NAME, "queried")
        return answer(orjson.dumps(_described(listed.grant)))
    if not await end_grant(issuer, grant_id, listed.grant.subject, client.client_id, "revoked_by_client"):
        raise InvalidGrantId("There is no such grant of this client.")
    issuer.metrics.request(NAME, "revoked")
    return Decision(Action.OK, 204, b"", NO_STORE)


def _described(grant: Grant) -> dict[str, Any]:
    """Return scopes with their resources, claims that were requested one by one, and authorization details."""
    resources = {"resource": list(grant.audience)} if grant.audience else {}
    described: dict[str, Any] = {"scopes": [{"scope": grant.scope, **resources}] if grant.scope else []}
    if claims := sorted({*grant.userinfo_claims, *grant.id_token_claims}):
        described["claims"] = claims
    if details := (grant.members or {}).get(AUTHORIZATION_DETAILS):
        described[AUTHORIZATION_DETAILS] = details
    return described


def _metadata(issuer: Issuer) -> dict[str, object]:
    return {
        "grant_management_endpoint": issuer.url_of(PATH),
        "grant_management_actions_supported": ["create", "query", "revoke"],
        "grant_management_action_required": False,
    }


ENDPOINT = MachineEndpoint(
    name=NAME,
    paths=always(f"{PATH}/*"),
    methods=always("GET", "DELETE"),
    metadata=_metadata,
    is_on=lambda issuer: issuer.settings.grant_management,
    handle=decide,
    takes_key_proofs=True,
    challenged=challenged,
)
