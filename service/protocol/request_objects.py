"""Checks of the claims of a request object: the type of JWT, its audience, its lifetime and its parameters (RFC 9101)."""

from collections.abc import Mapping
from typing import Any

from service.protocol.errors import InvalidRequestObject

TYPE = "oauth-authz-req+jwt"
"""``typ`` of request objects (RFC 9101 section 10.8)."""
LONGEST = 3600
"""Seconds from nbf to exp, and from nbf to now (FAPI 1.0 Advanced 5.2.2, FAPI 2.0 Message Signing 5.3.1)."""
PARAMETERS = frozenset(
    {"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "resource", "audience"}
    | {"code_challenge", "code_challenge_method", "nonce", "claims", "max_age", "acr_values", "prompt", "display"}
    | {"login_hint", "id_token_hint", "ui_locales", "claims_locales", "registration", "dpop_jkt"}
    | {"grant_management_action", "grant_id", "login_hint_token", "binding_message", "user_code"}
    | {"requested_expiry", "client_notification_token"}
)
"""Parameters of authorization and CIBA requests that have a meaning here, besides grant members: others are ignored (RFC 6749
section 3.1)."""
_SKEW = 10
"""Seconds by which the clock of a client may differ from ours."""


def check_type(typ: object, *, strictly: bool) -> None:
    """Refuse a JWT of another type (RFC 8725 section 3.11), with ``strictly`` also one without a specific type.

    Args:
        typ: The ``typ`` of its header: a media type in any case, with or without application/ (RFC 7515 section 4.1.9).
        strictly: Whether ``JWT``, or no ``typ``, is refused.

    Raises:
        InvalidRequestObject: It is of another type.
    """
    if typ is None:
        return
    kind = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
    if kind != TYPE and (strictly or kind != "jwt"):
        raise InvalidRequestObject(f"The request object has another typ than {TYPE}.")


def check_strictly(claims: Mapping[str, Any], now: float) -> None:
    """Check the demands of FAPI in addition to RFC 9101: aud, client_id, nbf and exp, and an hour at most.

    Args:
        claims: The claims of a request object whose signature is verified, as are its audience and times where present.
        now: Epoch seconds.

    Raises:
        InvalidRequestObject: It lacks one of them, or lasts too long.
    """
    if missing := [name for name in ("aud", "client_id", "nbf", "exp") if claims.get(name) is None]:
        raise InvalidRequestObject(f"The request object lacks {', '.join(missing)}.")
    if claims["nbf"] < now - LONGEST - _SKEW:
        raise InvalidRequestObject("The request object is too old: nbf is more than 60 minutes ago.")
    if claims["exp"] - claims["nbf"] > LONGEST:
        raise InvalidRequestObject("The request object is good for too long: exp is more than 60 minutes after nbf.")
