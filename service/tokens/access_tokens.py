"""Access tokens as clients get them: a random string, or a JWT (RFC 9068) minted here; and how a presented one is recognized.

Whatever its format, a token is kept under a hash that its ``jti`` ends with, after the id of its grant: so introspection,
revocation and the end of a grant work alike. The exception is ``stateless`` (client_credentials only): it is stored
nowhere, costs Redis nothing, and ends when it expires or its client ends, never by itself.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from service.hooks import NOTHING_ADDED
from service.issuer import Issuer
from service.protocol.binding import UNBOUND, Binding
from service.protocol.claims import OURS
from service.protocol.credentials import GRANT_ID_LENGTH, Credential, Kind, base64url, parse
from service.protocol.errors import ServerError
from service.protocol.names import INTROSPECTION_MEMBERS, AccessTokenFormat, SigningAlgorithm
from service.protocol.requested import Granted
from service.records.client import Client
from service.records.grant import Grant
from service.records.property import Property
from service.tokens.id_tokens import algorithm_of, keyring_of, sub_of

TYPE = "at+jwt"
"""``typ`` of an access token (RFC 9068 section 2.1). A resource may want ``JWT``, which ID tokens have, too: then the claim
``client_id`` distinguishes it, as no ID token has one.
"""
MAX_JWT = 8192
"""The most characters of a JWT that is presented to us."""
GENERATION = "client_generation"
"""The claim of a stateless token with the generation of its client, so that revoking the client ends it."""
_HANDLE = re.compile(rf"[A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}}[A-Za-z0-9_-]{{22}}", re.ASCII)
_REGISTERED = OURS | INTROSPECTION_MEMBERS


class AccessTokenProfile(msgspec.Struct, frozen=True):
    """Format and signature of an access token."""

    format: AccessTokenFormat
    algorithm: SigningAlgorithm | None = None
    """None: RS256, if there is a key for it."""
    typ: str = TYPE
    """The ``typ`` in its header."""


class AccessTokenContents(msgspec.Struct, frozen=True):
    """The contents of an access token. Times are epoch seconds."""

    grant: Grant
    granted: Granted
    now: int
    ends_at: int
    added: Mapping[str, Any] = NOTHING_ADDED.access_token
    """Claims from hooks, and about the user."""
    binding: Binding = UNBOUND


class ResolvedToken(msgspec.Struct, frozen=True):
    """What a presented token names: at most one of both members is set, none for a token that is not ours."""

    credential: Credential | None = None
    """Of a token that is stored."""
    stateless: Mapping[str, Any] | None = None
    """The claims of a stateless token."""
    jwt_ends_at: int = 0
    """Epoch seconds at which a JWT that is stored ends by its own ``exp``, which no record can put off; 0 = it is no JWT."""


NOTHING = ResolvedToken()
_OPAQUE = AccessTokenProfile(AccessTokenFormat.OPAQUE)


def profile_for(
    issuer: Issuer, client: Client, audience: tuple[str, ...], *, is_client_grant: bool
) -> AccessTokenProfile:
    """Return the profile that the client is registered for, or else the one of its first resource that has one."""
    wanted = client.access_token_format
    registered = issuer.store.resources.known
    if (wanted is None and not issuer.settings.resource_tokens and not registered) or issuer.keyring is None:
        return _OPAQUE
    algorithm, typ = client.access_token_signing_alg, ""
    for resource in audience:
        if one := registered.get(resource):
            wanted, algorithm = wanted or one.access_token_format, algorithm or one.access_token_signing_alg
        if known := issuer.settings.resource_tokens.get(resource):
            wanted, algorithm, typ = wanted or known.format, algorithm or known.algorithm, typ or known.jwt_typ
    if wanted is AccessTokenFormat.STATELESS and not is_client_grant:
        wanted = AccessTokenFormat.JWT
    return AccessTokenProfile(wanted or AccessTokenFormat.OPAQUE, algorithm, typ or TYPE)


async def mint_access_jwt(
    issuer: Issuer, client: Client, profile: AccessTokenProfile, contents: AccessTokenContents, jti: str
) -> str:
    """Make a JWT access token (RFC 9068 section 2.2). Without a resource its audience is this issuer (section 3).

    Raises ServerError where its contents make it longer than we would read.
    """
    grant = contents.grant
    named = contents.granted.audience or (issuer.url,)
    claims: dict[str, Any] = {
        member.name: member.value
        for member in (*client.properties, *grant.properties)
        if member.in_introspection and member.name not in _REGISTERED
    }
    claims |= contents.added
    claims |= contents.granted.members or {}
    claims |= {
        "iss": issuer.url,
        "sub": sub_of(issuer, client, grant) if grant.subject else client.client_id,
        "aud": named[0] if len(named) == 1 else list(named),
        "client_id": client.client_id,
        "iat": contents.now,
        "exp": contents.ends_at,
        "jti": jti,
    }
    if contents.granted.scope:
        claims["scope"] = contents.granted.scope
    if grant.auth_time:
        claims["auth_time"] = grant.auth_time
    if grant.acr:
        claims["acr"] = grant.acr
    if grant.amr:
        claims["amr"] = grant.amr
    if contents.binding is not UNBOUND:
        claims["cnf"] = contents.binding.cnf
    if profile.format is AccessTokenFormat.STATELESS:
        claims[GENERATION] = client.generation
    algorithm = algorithm_of(issuer, profile.algorithm)
    token = await keyring_of(issuer).sign_soon(algorithm, claims, typ=profile.typ)
    if len(token) > MAX_JWT:  # we would not accept it ourselves
        raise ServerError(
            "The access token would be too long.", log=f"a JWT with its properties has {len(token)} characters"
        )
    return token


def property_claims(claims: Mapping[str, Any]) -> tuple[Property, ...]:
    """Return the claims of a JWT that are custom properties, or from hooks."""
    named = ((name, value) for name, value in claims.items() if name not in _REGISTERED)
    return tuple(Property(name, value, in_introspection=True) for name, value in named)


def handle_of(credential: Credential) -> str:
    """Return the ``jti`` of a stored token: it identifies the token, and is of no use as a token."""
    return credential.grant_id + credential.hash


def stateless_handle(issuer: Issuer) -> str:
    """Return the ``jti`` of a stateless token."""
    return base64url(issuer.randomness(16))


async def resolve_token(issuer: Issuer, token: str) -> ResolvedToken:
    """Recognize an opaque token by its form, and a JWT by our signature. Whether it is alive, the store knows."""
    credential = parse(token)
    return await _signed_by_us(issuer, token) if credential is None else ResolvedToken(credential)


async def _signed_by_us(issuer: Issuer, token: str) -> ResolvedToken:
    if issuer.keyring is None or token.count(".") != 2 or len(token) > MAX_JWT:
        return NOTHING
    claims = await issuer.keyring.verify(token, typ=TYPE) or await issuer.keyring.verify(token)
    if (
        claims is None
        or "client_id" not in claims
        or claims.get("iss") != issuer.url
        or claims.get("exp", 0) <= issuer.clock()
    ):
        return NOTHING
    jti = claims.get("jti", "")
    if len(jti) == GRANT_ID_LENGTH and isinstance(claims.get(GENERATION), int):
        return ResolvedToken(stateless=claims)
    if not _HANDLE.fullmatch(jti):
        return NOTHING
    credential = Credential(Kind.ACCESS_TOKEN, jti[:GRANT_ID_LENGTH], jti[GRANT_ID_LENGTH:])
    return ResolvedToken(credential, jwt_ends_at=claims["exp"])
