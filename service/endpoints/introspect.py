"""Token introspection (RFC 7662) for the parties that a token concerns; signed for those that accept that (RFC 9701)."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from service.client_auth import algorithms_supported, authenticate, methods_supported
from service.endpoints.endpoint import MachineEndpoint, always
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import ACCESS_TOKEN, REFRESH_TOKEN
from service.protocol.decision import JSON, NO_STORE, Decision, answer
from service.protocol.errors import InvalidClient
from service.protocol.names import INTROSPECTION_MEMBERS, ClientAuthMethod, SigningAlgorithm
from service.protocol.quality_values import media_types
from service.protocol.request import Request
from service.records.client import Client
from service.records.grant import Grant
from service.records.property import Property
from service.store.replay_checks import confirm
from service.store.tokens import OpenedRefreshToken, OpenedToken
from service.tokens import user_claims
from service.tokens.access_tokens import GENERATION, handle_of, resolve_token
from service.tokens.encryption import encrypted, encryption_metadata
from service.tokens.id_tokens import algorithm_of, keyring_of, sub_of
from service.tokens.members import members_concerning
from service.tokens.opening import sources_are_current

log = logging.getLogger(__name__)

NAME = "introspect"
PATH = "/introspect"
JWT = "application/token-introspection+jwt"
_AS_JWT = {**NO_STORE, "Content-Type": JWT}
_USUAL = frozenset({"*/*", JSON, "application/json, text/plain, */*"})
"""Accept headers of HTTP libraries. JSON is acceptable for these, whatever further lines say."""
_INACTIVE = orjson.dumps({"active": False})


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Describe a token.

    For everything but an active token of the caller's concern that is ``{"active": false}`` (RFC 7662 2.2).

    ``token_type_hint`` is not needed, as the prefix identifies the kind (RFC 7662 2.1: the server may ignore the hint).
    """
    token = request.required("token")
    authenticated = await authenticate(issuer, request)
    client = authenticated.client
    if client.public:
        raise InvalidClient("Introspection is for confidential clients.")
    body = await describe(issuer, client, token)
    await confirm(authenticated.replay_checks)
    issuer.metrics.request(NAME, "active" if body else "inactive")
    accept = request.headers.get("Accept")
    is_usual = accept is None or accept in _USUAL
    if not is_usual and wants_jwt(request.lines_of("Accept")) and issuer.keyring is not None:
        token = signed(issuer, client.client_id, client.introspection_signed_response_alg, body or {"active": False})
        alg, enc = client.introspection_encrypted_response_alg, client.introspection_encrypted_response_enc
        return answer((await encrypted(issuer, client, token, alg, enc)).encode(), headers=_AS_JWT)
    return answer(_INACTIVE if body is None else orjson.dumps(body))


def wants_jwt(accept: Iterable[str]) -> bool:
    """Whether the lines of an Accept header name the JWT (RFC 9701 section 4), with no lower weight than plain JSON."""
    header = ",".join(accept).lower()
    if JWT not in header:
        return False
    weights = media_types([header])
    return weights.get(JWT, 0) > 0 and weights[JWT] >= weights.get(JSON, 0)


def signed(issuer: Issuer, audience: str, registered: SigningAlgorithm | None, body: dict[str, Any]) -> str:
    """Return the response as a JWT for this resource server only (RFC 9701 section 5)."""
    claims = {"iss": issuer.url, "aud": audience, "iat": int(issuer.clock()), "token_introspection": body}
    return keyring_of(issuer).sign(algorithm_of(issuer, registered), claims, typ="token-introspection+jwt")


async def describe(issuer: Issuer, caller: Client | None, token: str) -> dict[str, Any] | None:
    """Describe a token in the members of RFC 7662 section 2.2; None where it is not active.

    Args:
        issuer: Whose token it may be.
        caller: The client that introspects; None: a backend that calls the decision API, which every token concerns.
        token: As it was sent.
    """
    resolved = await resolve_token(issuer, token)
    credential = resolved.credential
    if credential is None:
        return None if resolved.stateless is None else await _stateless(issuer, caller, resolved.stateless)
    if credential.kind is ACCESS_TOKEN:
        access = await issuer.store.tokens.open_by_token(credential)
        if access is not None and access.record.sources and not await sources_are_current(issuer, access):
            return None
        if access is not None and _concerns(caller, access.grant, access.audience):
            described = _access_token(caller, access)
            if resolved.jwt_ends_at:
                described["exp"] = min(access.ends_at, resolved.jwt_ends_at)
            return await _with_grant(issuer, described, access.grant, access.record.properties)
    elif credential.kind is REFRESH_TOKEN:
        refresh = await issuer.store.tokens.open_by_refresh(credential, with_end=True)
        # A refresh token concerns its client only: resource servers never get one.
        is_own = refresh is not None and (caller is None or refresh.grant.client_id == caller.client_id)
        if refresh is not None and refresh.record and is_own:
            return await _with_grant(issuer, _refresh_token(refresh), refresh.grant)
    return None


def _concerns(caller: Client | None, grant: Grant, audience: tuple[str, ...]) -> bool:
    """Whether it is the client's own token, or the resource server is in its audience; the log says why it is not."""
    if caller is None or grant.client_id == caller.client_id:
        return True
    if caller.introspect and any(name == caller.client_id or name in caller.resources for name in audience):
        return True
    reason = "it is not in the token's audience" if caller.introspect else "it may not introspect tokens of others"
    facts = {"client_id": caller.client_id, "token_client_id": grant.client_id, "audience": audience}
    log.info(Event.INTROSPECTION_REFUSED, extra={**facts, "resources": caller.resources, "reason": reason})
    return False


def _access_token(caller: Client | None, token: OpenedToken) -> dict[str, Any]:
    record = token.record
    described = _described(token, record.binding.token_type, token.scope, token.audience, record.issued_at)
    if token.record.binding is not UNBOUND:
        described["cnf"] = token.record.binding.cnf
    if token.members:
        described |= _members_for(caller, token)
    others = [source.client_id for source in record.sources if source.client_id != token.grant.client_id]
    if others:  # the token ends with any of them, which a caller that caches this answer has to know
        described["source_clients"] = list(dict.fromkeys(others))
    return described


def _members_for(caller: Client | None, token: OpenedToken) -> dict[str, Any]:
    """Return the members that concern a resource server, where the token is for several (RFC 9396 section 9.2)."""
    members = token.members or {}
    if caller is None or token.grant.client_id == caller.client_id:
        return members
    return members_concerning(members, (caller.client_id, *caller.resources))


def _refresh_token(token: OpenedRefreshToken) -> dict[str, Any]:
    issued_at = token.record.issued_at if token.record else 0
    return _described(token, "refresh_token", token.grant.scope, token.grant.audience, issued_at)


def _described(
    token: OpenedToken | OpenedRefreshToken, token_type: str, scope: str, audience: tuple[str, ...], issued_at: int
) -> dict[str, Any]:
    return {
        "token_type": token_type,
        "scope": scope,
        "aud": audience,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": token.ends_at,
        "jti": handle_of(token.credential),
    }


async def _stateless(issuer: Issuer, caller: Client | None, claims: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the token's own members; None where its client was disabled, deleted, or has ended what it was issued before."""
    client_id, audience = claims["client_id"], claims["aud"]
    named = (audience,) if isinstance(audience, str) else tuple(audience)
    client = issuer.store.clients.cached(client_id) or await issuer.store.clients.get(client_id)
    grant = Grant(client_id, client_generation=claims[GENERATION])
    if client is None or not client.grant_is_current(grant) or not _concerns(caller, grant, named):
        return None
    described = {name: value for name, value in claims.items() if name != GENERATION}
    token_type = Binding(jkt=claims.get("cnf", {}).get("jkt", "")).token_type
    return described | {"active": True, "token_type": token_type, "nbf": claims["iat"]}


async def _with_grant(
    issuer: Issuer, described: dict[str, Any], grant: Grant, added: tuple[Property, ...] = ()
) -> dict[str, Any] | None:
    """Add user and client, and what was ``added`` to this token alone; None where its grant is no longer current."""
    client = issuer.store.clients.cached(grant.client_id) or await issuer.store.clients.get(grant.client_id)
    if client is None or not client.grant_is_current(grant):
        return None
    further: dict[str, Any] = {}
    if client.properties or grant.properties or added:
        further = {
            member.name: member.value
            for member in (*client.properties, *grant.properties, *added)
            if member.in_introspection and member.name not in INTROSPECTION_MEMBERS
        }
    is_access_token = described["token_type"] != "refresh_token"
    if is_access_token and grant.access_token_claims:
        further |= user_claims.described(issuer, client, grant, described["scope"])
    subject = sub_of(issuer, client, grant) if grant.subject else grant.client_id  # as in a JWT (RFC 9068 section 2.2)
    described |= {"active": True, "iss": issuer.url, "client_id": grant.client_id, "sub": subject}
    if is_access_token and grant.auth_time:  # RFC 9470 section 6.2
        described["auth_time"] = grant.auth_time
    if is_access_token and grant.acr:
        described["acr"] = grant.acr
    if grant.subject and subject == grant.subject:  # else it is pairwise, and the name would reveal the user
        described["username"] = grant.name
    for name in ("scope", "aud", "exp"):  # empty: no scope, no audience, never ends
        if not described[name]:
            del described[name]
    return further | described if further else described


def _metadata(issuer: Issuer) -> dict[str, object]:
    algorithms = None if issuer.keyring is None else [algorithm.value for algorithm in issuer.keyring.algorithms]
    return {
        "introspection_endpoint": issuer.url_of(PATH),
        "introspection_endpoint_auth_methods_supported": [
            name for name in methods_supported(issuer) if name != ClientAuthMethod.NONE
        ],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms_supported(issuer),
        "introspection_signing_alg_values_supported": algorithms,
        **(encryption_metadata(issuer, "introspection") if algorithms else {}),
    }


ENDPOINT = MachineEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide)
