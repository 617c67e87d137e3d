"""ID tokens: made from a grant, and recognized when they come back as hints (OpenID Connect Core 2)."""

import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from service.crypto.jws import UnverifiableError
from service.crypto.keyring import Keyring, half_hash
from service.hooks import NOTHING_ADDED
from service.issuer import Issuer
from service.protocol import sectors
from service.protocol.credentials import GRANT_ID_LENGTH, base64url
from service.protocol.names import OPENID, SigningAlgorithm, SubjectType
from service.records.client import Client
from service.records.grant import Grant
from service.tokens.encryption import decrypted, encrypted

MAX_HINT = 16_384
"""The most characters of an ID token that comes as a hint."""


class Hint(NamedTuple):
    """An ID token of ours that comes as a hint."""

    subject: str
    """The subject as its client knows it."""
    client_id: str
    """Its audience."""
    sid: str
    grant_id: str


def keyring_of(issuer: Issuer) -> Keyring:
    """Return the keys. Call it only where OpenID Connect is on (``settings.openid``)."""
    if issuer.keyring is None:
        raise RuntimeError("OpenID Connect is off: there is no signing key")
    return issuer.keyring


def wants_id_token(issuer: Issuer, grant: Grant) -> bool:
    """Whether the grant is an OpenID Connect one: a user's, with the scope openid (AU-22)."""
    return issuer.keyring is not None and bool(grant.subject) and OPENID in grant.scope.split(" ")


def algorithm_of(issuer: Issuer, registered: SigningAlgorithm | None) -> SigningAlgorithm:
    """Return the algorithm: RS256 unless the client registered another (OpenID Connect Dynamic Client Registration 2)."""
    chosen = registered or SigningAlgorithm.RS256
    offered = keyring_of(issuer).algorithms
    return chosen if chosen in offered else offered[0]


def subject_for(issuer: Issuer, client: Client, subject: str) -> str:
    """Return the subject identifier of a user for this client: the same for all clients, or for its sector only (Core 8.1)."""
    salt = issuer.settings.pairwise_salt
    if client.subject_type is SubjectType.PUBLIC or salt is None:
        return subject
    named = f"{_sector_of(client)}\0{subject}".encode()
    return base64url(hmac.digest(salt.get_secret_value().encode(), named, "sha256"))


def sector_for(client: Client) -> str | None:
    """Return the sector that its users' subject identifiers are for; None where they are the same for all clients (Core 8)."""
    return None if client.subject_type is SubjectType.PUBLIC else _sector_of(client)


def _sector_of(client: Client) -> str:
    """Return the sector that was determined at registration.

    A host that earlier releases took from a private-use or loopback URI counts for no client.
    """
    if client.sector_identifier_uri or sectors.say_the_host(client.redirect_uris):
        return client.sector_identifier
    return sectors.own_sector(client.client_id)


def sub_of(issuer: Issuer, client: Client, grant: Grant) -> str:
    """Return the subject identifier of the grant's user for this client, in every token and response."""
    return grant.sub or subject_for(issuer, client, grant.subject)


async def mint_id_token(
    issuer: Issuer,
    client: Client,
    grant: Grant,
    grant_id: str,
    *,
    nonce: str | None = None,
    access_token: str = "",
    code: str = "",
    state: str | None = None,
    claims: Mapping[str, Any] | None = None,
    added: Mapping[str, Any] = NOTHING_ADDED.id_token,
    ends_by: int | None = None,
) -> str:
    """Make an ID token of this grant (Core 2, 3.1.3.6, 3.3.2.11).

    Its ``jti`` begins with the grant id, so that the grant can be found by the ID token (IA-37).

    Args:
        issuer: Ours.
        client: Its audience.
        grant: What the user allowed.
        grant_id: The grant.
        nonce: Of the authorization request.
        access_token: Issued with it, for ``at_hash``.
        code: Issued with it, for ``c_hash``.
        state: Of the authorization request, for ``s_hash`` (FAPI 1.0 Advanced 5.2.2.1).
        claims: About the user, in addition to those that the grant holds.
        added: Claims from hooks.
        ends_by: Epoch seconds at which it ends at the latest.

    Raises:
        InvalidRequest: It has to be encrypted, and the client has no key for that.
        TemporarilyUnavailable: The keys of the client cannot be fetched.
    """
    algorithm, now = algorithm_of(issuer, client.id_token_signed_response_alg), int(issuer.clock())
    contents: dict[str, Any] = {
        **(claims or {}),
        **grant.id_token_claims,
        **added,
        "iss": issuer.url,
        "sub": sub_of(issuer, client, grant),
        "aud": client.client_id,
        "exp": _end(issuer, client, now, ends_by),
        "iat": now,
        "jti": grant_id + base64url(issuer.randomness(16)),
    }
    _add_login(contents, grant, nonce)
    _add_hashes(contents, algorithm, access_token, code, state)
    return await encrypted_as_id_tokens(issuer, client, await keyring_of(issuer).sign_soon(algorithm, contents))


def delivered_claims(issuer: Issuer, client: Client, auth_req_id: str, refresh_token: str) -> dict[str, str]:
    """Return the claims that bind an ID token of CIBA's push mode to its request and refresh token ("" = none).

    CIBA Core 1.0 section 10.3.1.
    """
    prefix, algorithm = "urn:openid:params:jwt:claim:", algorithm_of(issuer, client.id_token_signed_response_alg)
    bound = {f"{prefix}rt_hash": half_hash(algorithm, refresh_token)} if refresh_token else {}
    return {f"{prefix}auth_req_id": auth_req_id, **bound}


def _end(issuer: Issuer, client: Client, now: int, ends_by: int | None) -> int:
    end = now + (client.id_token_lifetime or issuer.settings.id_token_lifetime)
    return end if ends_by is None else min(end, ends_by)


def _add_login(contents: dict[str, Any], grant: Grant, nonce: str | None) -> None:
    """Add what is known about the login (Core 2)."""
    if grant.auth_time:
        contents["auth_time"] = grant.auth_time
    if nonce:
        contents["nonce"] = nonce
    if grant.acr:
        contents["acr"] = grant.acr
    if grant.amr:
        contents["amr"] = grant.amr
    if grant.session:
        contents["sid"] = grant.session


def _add_hashes(
    contents: dict[str, Any], algorithm: SigningAlgorithm, access_token: str, code: str, state: str | None
) -> None:
    """Add the hashes of what the ID token is issued with (Core 3.1.3.6, 3.3.2.11)."""
    if access_token:
        contents["at_hash"] = half_hash(algorithm, access_token)
    if code:
        contents["c_hash"] = half_hash(algorithm, code)
    if state:
        contents["s_hash"] = half_hash(algorithm, state)


async def encrypted_as_id_tokens(issuer: Issuer, client: Client, signed: str, *, iss: str = "") -> str:
    """Encrypt a signed JWT where the ID tokens of the client are encrypted (Core 10.2).

    Args:
        issuer: Ours.
        client: The recipient.
        signed: An ID token or logout token.
        iss: The issuer in the header of the JWE, "" for none.

    Raises:
        InvalidRequest: The client has no key for that.
        TemporarilyUnavailable: The keys of the client cannot be fetched.
    """
    alg, enc = client.id_token_encrypted_response_alg, client.id_token_encrypted_response_enc
    return signed if alg is None else await encrypted(issuer, client, signed, alg, enc, iss=iss)


async def read_hint(issuer: Issuer, token: str, client: Client | None = None) -> Hint | None:
    """Read an ``id_token_hint``; None where it is not an ID token of ours. It may have expired (Core 3.1.2.1).

    The client may have encrypted it for us, or sends it as it was encrypted for the client by its secret.

    Args:
        issuer: Ours.
        token: The hint.
        client: The sender, None = not known: its secret is no key then.
    """
    if issuer.keyring is None or len(token) > MAX_HINT:
        return None
    try:
        claims = await issuer.keyring.verify(await decrypted(issuer, token, client))
    except UnverifiableError:
        return None
    if claims is None or claims.get("iss") != issuer.url or {"events", "client_id"} & claims.keys():
        return None  # a logout token, or an access token
    subject, audience, jti = claims.get("sub"), claims.get("aud"), claims.get("jti")
    if not (isinstance(subject, str) and isinstance(audience, str) and isinstance(jti, str)):
        return None
    sid = claims.get("sid", "")
    return Hint(subject, audience, sid if isinstance(sid, str) else "", jti[:GRANT_ID_LENGTH])
