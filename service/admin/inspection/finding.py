"""The result of an inspection: the kind of the text, its owner, and why it would be refused."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from service.issuer import Issuer
from service.records.grant import Grant


class What(StrEnum):
    """The kind of an inspected text."""

    ACCESS_TOKEN = "access_token"
    REFRESH_TOKEN = "refresh_token"
    AUTHORIZATION_CODE = "authorization_code"
    POLLED_REQUEST = "polled_request"
    """A device code, or an auth_req_id of CIBA."""
    JWT_ACCESS_TOKEN = "jwt_access_token"
    STATELESS_ACCESS_TOKEN = "stateless_access_token"
    ID_TOKEN = "id_token"
    ASSERTION = "assertion"
    """A JWT of a trusted issuer."""
    JWT = "jwt"
    """Any other JWT."""
    OTHER_CREDENTIAL = "other_credential"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """The reasons why it would be refused."""

    MALFORMED = "malformed"
    NO_TOKEN = "no_token"
    ENDED = "ended"
    GRANT_ENDED = "grant_ended"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    USED = "used"
    UNDECIDED = "undecided"
    DENIED = "denied"
    CLIENT_DELETED = "client_deleted"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_REVOKED = "client_revoked"
    GRANT_TYPE_TAKEN = "grant_type_taken"
    SOURCE_ENDED = "source_ended"
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
    Why.UNDECIDED: "Its user has not decided yet: polls are answered with authorization_pending.",
    Why.DENIED: "It was denied: polls are answered with access_denied.",
    Why.CLIENT_DELETED: "The client that it was issued to is not registered any more.",
    Why.CLIENT_DISABLED: "The client that it was issued to is disabled; enabled again, the token counts again.",
    Why.CLIENT_REVOKED: "Everything issued to its client up to a later moment was revoked.",
    Why.GRANT_TYPE_TAKEN: "Its client may not use the grant type that this is for any more.",
    Why.SOURCE_ENDED: "It was exchanged for another token, whose client has ended that, or is disabled.",
    Why.UNKNOWN_KEY: "It names a key that is not ours, or no longer known.",
    Why.BAD_SIGNATURE: "The key that it names did not make its signature: it was changed, or forged.",
    Why.OTHER_ISSUER: "It was issued by another issuer.",
    Why.OTHER_PURPOSE: "It is ours, but was made for another purpose than access: no API should take it.",
    Why.NOT_SUPPORTED: "There is no key here to verify it with: OpenID Connect is off.",
}
"""The reasons in words, for operators."""


class Inspection(NamedTuple):
    """The kind of a text and its data, also if it would be refused. Times are epoch seconds, 0 = never or unknown."""

    what: What
    why: tuple[Why, ...] = ()
    """The reasons, empty where the token is valid."""
    signed_by_us: bool = False
    refreshes_left: int | None = None
    """How often it may still be refreshed, None = without limit."""
    kind: str = ""
    """The kind of another credential, by its prefix."""
    client_id: str = ""
    subject: str = ""
    username: str = ""
    grant_id: str = ""
    grant_type: str = ""
    scope: str = ""
    """The scope of this very token; ``audience`` likewise."""
    audience: tuple[str, ...] = ()
    issued_at: int = 0
    ends_at: int = 0
    jti: str = ""
    redirect_uri: str = ""
    bound_to: Mapping[str, str] = {}
    """Keys without which it cannot be used, as in the claim ``cnf`` (RFC 7800 section 3.1)."""
    header: Mapping[str, Any] = {}
    """The header of a JWT; like ``claims`` unverified unless ``signed_by_us``."""
    claims: Mapping[str, Any] = {}

    @property
    def active(self) -> bool:
        """Whether it would be accepted now."""
        return not self.why


def describe(found: Inspection) -> dict[str, Any]:
    """Return the finding as output: empty members are left out."""
    reasons = [{"reason": why.value, "text": TEXTS[why]} for why in found.why]
    said = {
        name: value for name, value in found._asdict().items() if value or (value == 0 and name == "refreshes_left")
    }
    if found.header:
        said["signed_by_us"] = found.signed_by_us
    del said["what"]
    said.pop("why", None)
    return {"what": found.what.value, "active": found.active, "reasons": reasons, **said}


async def with_grant(issuer: Issuer, found: Inspection, grant: Grant, needs: str = "") -> Inspection:
    """Add its grant, and the reasons of its client (``with_client``)."""
    found = await with_client(issuer, found, grant.client_id, grant.client_generation, needs)
    return of_grant(found, grant)._replace(audience=grant.audience, issued_at=grant.began_at)


def of_grant(found: Inspection, grant: Grant) -> Inspection:
    """Add the owner and the permissions of its grant."""
    return found._replace(subject=grant.subject, username=grant.name, grant_type=grant.grant_type, scope=grant.scope)


async def with_client(
    issuer: Issuer, found: Inspection, client_id: str, generation: int | None, needs: str = ""
) -> Inspection:
    """Add its client, and the reasons why tokens of this client are refused.

    Args:
        issuer: Has the client.
        found: The finding so far.
        client_id: The client.
        generation: The client's generation when the token was issued, None where that does not matter.
        needs: A grant type that the client must still be registered for.
    """
    client = await issuer.store.clients.read(client_id)
    why = list(found.why)
    if client is None or client.client_id != client_id:
        why.append(Why.CLIENT_DELETED)
    else:
        if generation is not None and generation < client.generation:
            why.append(Why.CLIENT_REVOKED)
        if not client.enabled:
            why.append(Why.CLIENT_DISABLED)
        if needs and needs not in client.grant_types:
            why.append(Why.GRANT_TYPE_TAKEN)
    return found._replace(client_id=client_id, why=tuple(why))
