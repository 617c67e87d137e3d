"""Assertions of clients, valid ones and every kind of invalid one (RFC 7523 section 3)."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

from service.crypto.key_material import PrivateKey, generate, public_jwk
from service.protocol.names import SigningAlgorithm
from service.tokens.assertions import CLIENT_ASSERTION

ISSUER = "http://127.0.0.1:8080"
KEYS = {algorithm: generate(algorithm, 2048) for algorithm in SigningAlgorithm}
KEYS[SigningAlgorithm.PS256] = KEYS[SigningAlgorithm.RS256]
JWKS = {"keys": [public_jwk(key, algorithm, shared=True) for algorithm, key in KEYS.items()]}
TYPES = (
    *("client-authentication+jwt", "authorization-grant+jwt", "oauth-id-jag+jwt", "oauth-authz-req+jwt", "at+jwt"),
    *("dpop+jwt", "logout+jwt", "token-introspection+jwt", "application/at+jwt", "secevent+jwt"),
)
"""The values of ``typ`` that name a purpose."""


def types_but(*own: str) -> list[str]:
    """Return those of other purposes."""
    return [typ for typ in TYPES if typ not in own]


@dataclass
class Signer:
    """A client that signs assertions by a private key or a secret. ``claims`` replace the usual ones; None leaves one out."""

    key: PrivateKey | str = field(default_factory=lambda: KEYS[SigningAlgorithm.ES256])
    algorithm: str = "ES256"
    subject: str = "app"

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": self.subject, "sub": self.subject, "aud": ISSUER, "iat": now, "exp": now + 60}
        told = {**usual, "jti": secrets.token_urlsafe(), **changes}
        return {name: value for name, value in told.items() if value is not None}

    def sign(self, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return an assertion with these claims and headers changed; None leaves one out."""
        kid = {}
        if not isinstance(self.key, str):
            kid = {"kid": public_jwk(self.key, SigningAlgorithm(self.algorithm), shared=True)["kid"]}
        told = {name: value for name, value in {**kid, **(headers or {})}.items() if value is not None}
        return jwt.encode(self.claims(**changes), self.key, self.algorithm, headers=told)

    def form(self, **changes: Any) -> dict[str, str]:
        """Return the parameters that authenticate the client."""
        return proof(self.sign(**changes))


def proof(assertion: str) -> dict[str, str]:
    """Return the parameters with an assertion."""
    return {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": assertion}
