"""JWTs that no library would make."""

import hmac
import json
from typing import Any

from service.protocol.credentials import base64url


def hs256(claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    """Return a JWT with any HMAC key, such as the public key of a client (algorithm confusion)."""
    parts = ({"alg": "HS256", **header}, claims)
    told = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    return f"{told}.{base64url(hmac.digest(secret, told.encode(), 'sha256'))}"
