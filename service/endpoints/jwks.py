"""The JWK set: the keys that verify our signatures (RFC 7517 section 5, OpenID Connect Core 10.1.1, IT-09)."""

from service.endpoints.endpoint import DocumentEndpoint, always
from service.issuer import Issuer
from service.protocol.decision import JSON, SERVER, Action, Decision
from service.tokens.id_tokens import keyring_of

PATH = "/jwks"


def decide(issuer: Issuer, if_none_match: str = "") -> Decision:
    """Return the keys that are published now; 304 where the caller has them.

    They may be cached for ``jwks_lifetime``: a new key is published that long before it signs.
    """
    published = keyring_of(issuer).jwks()
    headers = {
        "Content-Type": JSON,
        "Cache-Control": f"public, max-age={issuer.settings.jwks_lifetime}",
        "ETag": published.etag,
        **SERVER,
    }
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if published.etag in known or "*" in known:
        return Decision(Action.OK, 304, b"", headers)
    return Decision(Action.OK, 200, published.content, headers)


ENDPOINT = DocumentEndpoint(
    name="jwks",
    paths=always(PATH),
    metadata=lambda issuer: {"jwks_uri": issuer.url_of(PATH)},
    is_on=lambda issuer: issuer.keyring is not None,
    handle=decide,
)
