"""Authorization headers: reading the token of a client, and writing the credentials of the API's own client."""

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote

from mintmark_guard.verdict import Refused

MAX_TOKEN = 8192
SCHEMES = ("bearer", "dpop")
"""The schemes of the Authorization header, and the values of token_type in introspection."""


def presented_token(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return scheme (in lower case) and token of the only Authorization header (RFC 6750 section 2.1). Raises Refused."""
    found = [value for name, value in headers if name.lower() == "authorization"]
    if not found:
        raise Refused(401, description="An access token is needed.")
    if len(found) > 1:
        raise Refused(401, "invalid_token", "More than one Authorization header.")
    scheme, _, text = found[0].partition(" ")
    scheme, text = scheme.lower(), text.strip()
    usage = "The Authorization header must be: Bearer <access token>, or DPoP."
    if scheme not in SCHEMES:
        raise Refused(401, description=usage)  # no error: it may know no other scheme (RFC 6750 section 3.1)
    if not text.isascii() or not 0 < len(text) <= MAX_TOKEN:
        raise Refused(401, "invalid_token", usage)
    return scheme, text


def scheme_of(headers: Sequence[tuple[str, str]]) -> str:
    """Return the scheme of a refused request, in lower case; "" where there is none."""
    values = [value for name, value in headers if name.lower() == "authorization"]
    return values[0].partition(" ")[0].lower() if len(values) == 1 else ""


def basic(client_id: str, secret: str) -> str:
    """Return the header with the credentials of this API, both of them form-encoded (RFC 6749 section 2.3.1)."""
    return "Basic " + b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
