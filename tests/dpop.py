"""DPoP proofs of clients, valid ones and every kind of invalid one (RFC 9449 section 4.2)."""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from service.crypto.dpop_proofs import access_token_hash
from service.crypto.key_material import PrivateKey, algorithm_object, generate, thumbprint
from service.protocol.credentials import base64url
from service.protocol.names import SigningAlgorithm

TOKEN_URL = "http://127.0.0.1:8080/token"
USERINFO_URL = "http://127.0.0.1:8080/userinfo"

STRANGE: tuple[object, ...] = ("none", "HS256", "RSA-OAEP", "", "foo", None, True, 5, [], ["ES256"], {})
"""Values that no member of a proof's key may have."""
MEMBERS_OF_ITS_KEY = ("kty", "crv", "x", "y", "alg", "use")
"""The members of an EC key that are looked at; all others are ignored."""


@dataclass
class Prover:
    """A client with a key of its own."""

    algorithm: str = "ES256"
    key: PrivateKey = field(default_factory=lambda: generate(SigningAlgorithm.ES256, 0))

    @property
    def jkt(self) -> str:
        return thumbprint(self.key.public_key(), self.algorithm)

    @property
    def jwk(self) -> dict[str, Any]:
        """Return the public key."""
        return dict(json.loads(algorithm_object(self.algorithm).to_jwk(self.key.public_key())))

    def proof(
        self,
        method: str = "POST",
        url: str = TOKEN_URL,
        token: str = "",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a proof for this request with these claims and headers changed; None leaves one out."""
        usual = {"jti": secrets.token_urlsafe(), "htm": method, "htu": url, "iat": int(time.time())}
        usual |= {"ath": access_token_hash(token)} if token else {}
        claims = {name: value for name, value in (usual | changes).items() if value is not None}
        usual = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk}
        told = {name: value for name, value in (usual | (header or {})).items() if value is not None}
        signing_input = ".".join(base64url(json.dumps(part).encode()) for part in (told, claims))
        signature = algorithm_object(self.algorithm).sign(signing_input.encode(), self.key)
        return f"{signing_input}.{base64url(signature)}"

    def headers(self, *args: Any, **changes: Any) -> dict[str, str]:
        """Return the header with a proof."""
        return {"DPoP": self.proof(*args, **changes)}

    def with_token(self, token: str, method: str = "GET", url: str = USERINFO_URL, **changes: Any) -> dict[str, str]:
        """Return the headers of a request to a resource."""
        return {"Authorization": f"DPoP {token}", **self.headers(method, url, token, **changes)}
