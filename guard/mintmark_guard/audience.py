"""The check that a token is for this API."""

import logging
from collections.abc import Mapping
from typing import Any

from mintmark_guard.dpop import SentRequest
from mintmark_guard.target_uris import with_lower_host
from mintmark_guard.verdict import Refused

log = logging.getLogger(__name__)


def check_audience(wanted: str, claims: Mapping[str, Any], sent: SentRequest) -> None:
    """Refuse a valid token for another API, or for none: its client has to request this audience.

    Args:
        wanted: The name of this API.
        claims: Of the token, or the introspection response.
        sent: The request, for the log.

    Raises:
        Refused: The token is not for this API (401).
    """
    audience = claims.get("aud") or []
    named = [audience] if isinstance(audience, str) else audience
    if wanted in named or with_lower_host(wanted) in [with_lower_host(str(one)) for one in named]:
        return
    log.warning(
        "guard: a token of the client %s was refused at %s: it is for %s, and %s is wanted (audience of the client, or "
        "resource in its request)",
        claims.get("client_id", ""),
        f"{sent.method} {sent.url.partition('?')[0]}",
        ", ".join(map(str, named)) or "no API",
        wanted,
    )
    raise Refused(401, "invalid_token", f"The access token is not for {wanted}, which is wanted here.")
