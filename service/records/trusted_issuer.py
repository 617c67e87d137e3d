"""An issuer whose JWTs are accepted, and for which purposes (RFC 7523 section 2.1, RFC 8693)."""

from typing import Any

from service.protocol.names import SigningAlgorithm, TrustUse
from service.records.json import Record


class TrustedIssuer(Record, frozen=True, omit_defaults=True, gc=False):
    """A trusted issuer; its keys are ``jwks``, at ``jwks_uri``, or where its discovery document says."""

    issuer: str  # ``iss`` of its assertions
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    algorithms: tuple[SigningAlgorithm, ...] = ()  # that it signs with; empty: any
    subjects: tuple[str, ...] = ()  # that it may assert; empty: any
    scopes: tuple[str, ...] = ()  # that tokens may have; empty: any
    clients: tuple[str, ...] = ()  # that may present its assertions; empty: any
    audience: str | None = None  # what it may call us besides our own names
    uses: tuple[TrustUse, ...] = (TrustUse.JWT_BEARER,)  # what its JWTs are taken for
    subject_claim: str = "sub"  # the claim that names the user here
    subject_prefix: str = ""  # what stands in front of it here, so that its users are none of another issuer
    reusable: bool = False  # its assertions are used until they end, not once
    created_at: int = 0  # epoch seconds
    managed_by: str = ""  # where it is declared; "": it is nobody's but the operators'
