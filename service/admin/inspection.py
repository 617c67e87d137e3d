"""What would this token be: read as every endpoint reads it, with the reasons why it would be refused.

For operators only. Nothing that is shown here is kept or logged, and the token itself is in no answer.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from service.access_tokens import GENERATION, MAX_JWT, handle_of
from service.access_tokens import TYPE as ACCESS_JWT
from service.access_tokens import presented as presented_token
from service.id_tokens import read_hint
from service.issuer import Issuer
from service.protocol import credentials
from service.protocol.claims import is_deeper
from service.protocol.credentials import Credential, Kind
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.records.grant import Grant
from service.signing.jws import SKEW, Jws, UnverifiableError, parse

LONGEST = 16_384
"""Characters that are looked at."""
_MAX_DEPTH = 100
"""Levels of header and claims: what is nested deeper could not be shown."""
_YEAR_10000 = 253_402_300_800
_PREFIXES = {
    Kind.CLIENT_SECRET: "client_secret",
    Kind.SESSION: "session_cookie",
    Kind.REGISTRATION_TOKEN: "registration_access_token",
    Kind.INITIAL_ACCESS_TOKEN: "initial_access_token",
}


class What(StrEnum):
    """What was shown to us. ``ASSERTION``: a JWT of a trusted issuer; ``JWT``: any other."""

    ACCESS_TOKEN = "access_token"
    REFRESH_TOKEN = "refresh_token"
    AUTHORIZATION_CODE = "authorization_code"
    JWT_ACCESS_TOKEN = "jwt_access_token"
    STATELESS_ACCESS_TOKEN = "stateless_access_token"
    ID_TOKEN = "id_token"
    ASSERTION = "assertion"
    JWT = "jwt"
    OTHER_CREDENTIAL = "other_credential"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why it would be refused."""

    MALFORMED = "malformed"
    NO_TOKEN = "no_token"
    ENDED = "ended"
    GRANT_ENDED = "grant_ended"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    USED = "used"
    CLIENT_DELETED = "client_deleted"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_REVOKED = "client_revoked"
    GRANT_TYPE_TAKEN = "grant_type_taken"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    OTHER_ISSUER = "other_issuer"
    OTHER_PURPOSE = "other_purpose"
    NOT_SUPPORTED = "not_supported"


TEXTS: Mapping[Why, str] = {
    Why.MALFORMED: "It has not the form of anything that is issued here: a piece may be missing, or something was added.",
    Why.NO_TOKEN: "It is no token: nothing is allowed by it where tokens are taken.",
    Why.ENDED: "Its grant lives, but it is not among what the grant has issued and is still good: it has expired, or was "
    "revoked by itself.",
    Why.GRANT_ENDED: "It is over, and its grant with it: expired, revoked, or ended because one of its credentials was used "
    "twice. What is over is not kept; what operators ended is in the audit log. (A made-up text of this form looks alike.)",
    Why.EXPIRED: "Its time is over.",
    Why.NOT_YET: "Its time has not come: it says that it is good from later on.",
    Why.USED: "It was used already, and counts once. Used again outside the grace it ends its whole grant.",
    Why.CLIENT_DELETED: "The client that it was issued to is not registered any more.",
    Why.CLIENT_DISABLED: "The client that it was issued to is disabled; enabled again, the token counts again.",
    Why.CLIENT_REVOKED: "Everything issued to its client up to a later moment was revoked.",
    Why.GRANT_TYPE_TAKEN: "Its client may not use the grant type that this is for any more.",
    Why.UNKNOWN_KEY: "It names a key that is not ours, or no longer known.",
    Why.BAD_SIGNATURE: "The key that it names did not make its signature: it was changed, or forged.",
    Why.OTHER_ISSUER: "It was issued by somebody else.",
    Why.OTHER_PURPOSE: "It is ours, but was made for another purpose than access: no API should take it.",
    Why.NOT_SUPPORTED: "There is no key here to verify it with: OpenID Connect is off.",
}
"""In words, for operators."""


class Inspection(NamedTuple):
    """``why``: empty where the token is good; ``kind``: of another credential, by its prefix; ``grant_id`` and ``grant``:
    what it hangs on, as far as that is known, also of a token that is refused; ``client`` that it was issued to; ``scope``
    and ``audience`` of this very token; times in epoch seconds, 0 = never or unknown; ``refreshes_left``: None = without
    limit; ``header`` and ``claims`` of a JWT, believed by nobody unless ``signed_by_us``.
    """

    what: What
    why: tuple[Why, ...] = ()
    kind: str = ""
    grant_id: str = ""
    grant: Grant | None = None
    client: Client | None = None
    client_id: str = ""
    scope: str = ""
    audience: tuple[str, ...] = ()
    issued_at: int = 0
    ends_at: int = 0
    jti: str = ""
    refreshes_left: int | None = None
    redirect_uri: str = ""
    header: Mapping[str, Any] = {}
    claims: Mapping[str, Any] = {}
    signed_by_us: bool = False

    @property
    def active(self) -> bool:
        """Whether it would be taken now."""
        return not self.why


async def inspect(issuer: Issuer, text: str) -> Inspection:
    """What this is, whose, what it allows, until when, and why it would be refused. Blanks around it are not part of it.

    Raises TemporarilyUnavailable.
    """
    token = text.strip()
    if len(token) > LONGEST or not token.isascii() or not token:
        return Inspection(What.UNKNOWN, (Why.MALFORMED,))
    credential = credentials.parse(token)
    if credential is not None and credential.kind is not Kind.SESSION:
        return await _OPENERS[credential.kind](issuer, credential)
    for prefix, kind in _PREFIXES.items():
        if token.startswith(prefix):
            return Inspection(What.OTHER_CREDENTIAL, (Why.NO_TOKEN,), kind=kind)
    if token.count(".") == 2:
        return await _jwt(issuer, token)
    return Inspection(What.UNKNOWN, (Why.MALFORMED,))


def describe(found: Inspection) -> dict[str, Any]:
    """The answer for people and programs: members that say nothing are left out."""
    grant = found.grant
    told: dict[str, Any] = {
        "kind": found.kind,
        "client_id": found.client_id,
        "subject": grant.subject if grant else "",
        "username": grant.name if grant else "",
        "grant_id": found.grant_id,
        "grant_type": grant.grant_type if grant else "",
        "scope": found.scope,
        "audience": list(found.audience),
        "issued_at": found.issued_at,
        "ends_at": found.ends_at,
        "jti": found.jti,
        "refreshes_left": found.refreshes_left,
        "redirect_uri": found.redirect_uri,
        "header": dict(found.header),
        "claims": dict(found.claims),
    }
    return {
        "what": found.what.value,
        "active": found.active,
        "reasons": [{"reason": why.value, "text": TEXTS[why]} for why in found.why],
        **({"signed_by_us": found.signed_by_us} if found.header else {}),
        **{name: value for name, value in told.items() if value not in ("", 0, None, [], {})},
    }


# what begins with mm_


async def _access_token(issuer: Issuer, token: Credential) -> Inspection:
    opened = await issuer.store.tokens.open_by_token(token)
    if opened is None:
        return await _over(issuer, What.ACCESS_TOKEN, token)
    found = await _of_grant(issuer, Inspection(What.ACCESS_TOKEN, grant_id=token.grant_id), opened.grant)
    return found._replace(
        scope=opened.scope,
        audience=opened.audience,
        issued_at=opened.record.issued_at,
        ends_at=opened.ends_at,
        jti=handle_of(token),
    )


async def _refresh_token(issuer: Issuer, token: Credential) -> Inspection:
    opened = await issuer.store.tokens.open_by_refresh(token, with_end=True)
    if opened is None:
        return await _over(issuer, What.REFRESH_TOKEN, token)
    found = await _of_grant(
        issuer, Inspection(What.REFRESH_TOKEN, grant_id=token.grant_id), opened.grant, GrantTypeName.REFRESH_TOKEN
    )
    if opened.record is None:  # its end is that of the memory of its use
        return found._replace(why=(Why.USED, *found.why))
    return found._replace(
        issued_at=opened.record.issued_at,
        ends_at=opened.ends_at or 0,
        refreshes_left=opened.record.refreshes_left,
    )


async def _authorization_code(issuer: Issuer, code: Credential) -> Inspection:
    opened = await issuer.store.codes.open_by_code(code, with_end=True)
    if opened is None:
        return await _over(issuer, What.AUTHORIZATION_CODE, code)
    found = await _of_grant(
        issuer,
        Inspection(What.AUTHORIZATION_CODE, grant_id=code.grant_id),
        opened.grant,
        GrantTypeName.AUTHORIZATION_CODE,
    )
    if opened.record is None:
        return found._replace(why=(Why.USED, *found.why))
    return found._replace(redirect_uri=opened.record.redirect_uri or "", ends_at=opened.ends_at or 0)


_OPENERS = {
    Kind.ACCESS_TOKEN: _access_token,
    Kind.REFRESH_TOKEN: _refresh_token,
    Kind.AUTHORIZATION_CODE: _authorization_code,
}


async def _over(issuer: Issuer, what: What, token: Credential) -> Inspection:
    """It is not there; perhaps the grant that it names still is, and tells whose it was."""
    listed = await issuer.store.grants.open(token.grant_id)
    if listed is None:
        return Inspection(what, (Why.GRANT_ENDED,), grant_id=token.grant_id)
    found = await _of_grant(issuer, Inspection(what, grant_id=token.grant_id), listed.grant)
    return found._replace(why=(Why.ENDED, *found.why))


async def _of_grant(issuer: Issuer, found: Inspection, grant: Grant, needs: str = "") -> Inspection:
    """With whose it is, and what its client stands in the way. ``needs``: a grant type."""
    found = await _of_client(issuer, found, grant.client_id, grant.client_generation, needs)
    return found._replace(grant=grant, scope=grant.scope, audience=grant.audience, issued_at=grant.issued_at)


async def _of_client(
    issuer: Issuer, found: Inspection, client_id: str, generation: int | None, needs: str = ""
) -> Inspection:
    """``generation``: of the client when the token was issued, None where that does not matter."""
    client = await issuer.store.clients.read(client_id)
    if client is None or client.client_id != client_id:
        return found._replace(client_id=client_id, why=(*found.why, Why.CLIENT_DELETED))
    why = list(found.why)
    if generation is not None and generation < client.generation:
        why.append(Why.CLIENT_REVOKED)
    if not client.enabled:
        why.append(Why.CLIENT_DISABLED)
    if needs and needs not in client.grant_types:
        why.append(Why.GRANT_TYPE_TAKEN)
    return found._replace(client=client, client_id=client_id, why=tuple(why))


# JWTs


async def _jwt(issuer: Issuer, token: str) -> Inspection:
    try:
        jws = parse(token, LONGEST)
        claims = jws.claims()
    except UnverifiableError:
        return Inspection(What.UNKNOWN, (Why.MALFORMED,))
    if is_deeper(jws.header, _MAX_DEPTH) or is_deeper(claims, _MAX_DEPTH):
        return Inspection(What.UNKNOWN, (Why.MALFORMED,))
    found = Inspection(What.JWT, header=jws.header, claims=claims)
    found = found._replace(issued_at=_seconds(claims, "iat"), ends_at=_seconds(claims, "exp"), jti=_text(claims, "jti"))
    if claims.get("iss") != issuer.url:
        return await _of_somebody_else(issuer, found)
    found = found._replace(what=_what(jws, claims))
    if (doubt := await _signature(issuer, token, jws)) is not None:
        return found._replace(why=(doubt,))
    found = _timely(issuer, found._replace(signed_by_us=True))
    if found.what is What.ID_TOKEN:
        return await _id_token(issuer, token, found)
    if found.what in (What.JWT_ACCESS_TOKEN, What.STATELESS_ACCESS_TOKEN):
        return await _access_jwt(issuer, token, found)
    return found._replace(why=(*found.why, Why.OTHER_PURPOSE))


def _what(jws: Jws, claims: Mapping[str, Any]) -> What:
    if jws.header.get("typ") == ACCESS_JWT or "client_id" in claims:
        return What.STATELESS_ACCESS_TOKEN if isinstance(claims.get(GENERATION), int) else What.JWT_ACCESS_TOKEN
    return What.ID_TOKEN if jws.header.get("typ", "JWT") == "JWT" and "events" not in claims else What.JWT


async def _signature(issuer: Issuer, token: str, jws: Jws) -> Why | None:
    """What is wrong with it, if anything."""
    if issuer.keyring is None:
        return Why.NOT_SUPPORTED
    typ = jws.header.get("typ", "JWT")
    if isinstance(typ, str) and await issuer.keyring.verify(token, typ=typ) is not None:
        return None
    known = {one.key.kid for one in issuer.keyring.known()}
    return Why.BAD_SIGNATURE if jws.kid in known else Why.UNKNOWN_KEY


def _timely(issuer: Issuer, found: Inspection) -> Inspection:
    now = issuer.clock()
    if found.ends_at and found.ends_at <= now:
        return found._replace(why=(*found.why, Why.EXPIRED))
    if _seconds(found.claims, "nbf") > now + SKEW:
        return found._replace(why=(*found.why, Why.NOT_YET))
    return found


async def _access_jwt(issuer: Issuer, token: str, found: Inspection) -> Inspection:
    """A JWT access token is what is kept under its ``jti``; a stateless one says everything itself."""
    audience = found.claims.get("aud", ())
    scope, named = _text(found.claims, "scope"), (audience,) if isinstance(audience, str) else tuple(audience)
    found = found._replace(scope=scope, audience=named)
    client_id = _text(found.claims, "client_id")
    if found.what is What.STATELESS_ACCESS_TOKEN:
        return await _of_client(issuer, found, client_id, found.claims[GENERATION])
    if len(token) > MAX_JWT:
        return found._replace(client_id=client_id, why=(*found.why, Why.MALFORMED))
    shown = (await presented_token(issuer, token)).credential
    if shown is None:  # its time is over, and nothing is kept of it
        return await _of_client(issuer, found, client_id, None)
    kept = await _access_token(issuer, shown)
    return kept._replace(
        what=found.what,
        why=(*found.why, *kept.why),
        client_id=kept.client_id or client_id,
        issued_at=found.issued_at,
        ends_at=found.ends_at,
        jti=found.jti,
        header=found.header,
        claims=found.claims,
        signed_by_us=True,
        scope=scope,
        audience=named,
    )


async def _id_token(issuer: Issuer, token: str, found: Inspection) -> Inspection:
    """It tells a client who signed in; it opens nothing, but names its grant (IA-37)."""
    found = found._replace(why=(*found.why, Why.OTHER_PURPOSE))
    hint = await read_hint(issuer, token)
    if hint is None:
        return found
    found = await _of_client(issuer, found._replace(grant_id=hint.grant_id), hint.client_id, None)
    listed = await issuer.store.grants.open(hint.grant_id)
    if listed is None:
        return found._replace(audience=(hint.client_id,))
    return found._replace(grant=listed.grant, scope=listed.grant.scope, audience=(hint.client_id,))


async def _of_somebody_else(issuer: Issuer, found: Inspection) -> Inspection:
    """Perhaps of an issuer whose assertions are exchanged for tokens here: still no token, and nobody's key is fetched."""
    name = _text(found.claims, "iss")
    trusted = await issuer.store.trusts.get(name) if name else None
    what = What.ASSERTION if trusted else What.JWT
    return _timely(issuer, found._replace(what=what, why=(Why.OTHER_ISSUER,)))


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    """A time of a claim; 0 where it is none that a clock could show."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _YEAR_10000:
        return 0
    return int(value)
