"""Checks of responses for locust's users: each function returns in a few words what is wrong, "" for nothing."""

import re
from collections.abc import Mapping
from typing import Any

_ACCESS = re.compile(r"mm_at_[A-Za-z0-9_-]{65}")
_REFRESH = re.compile(r"mm_rt_[A-Za-z0-9_-]{65}")

Body = Mapping[str, Any]


def wrong_tokens(body: Body, scope: str, *, refresh: bool) -> str:
    """Check a token response (RFC 6749 5.1).

    Args:
        body: The response.
        scope: The expected scope.
        refresh: Whether there must be a refresh token; otherwise there must be none.
    """
    if not _ACCESS.fullmatch(str(body.get("access_token"))):
        return "no access token of ours"
    if body.get("token_type") != "Bearer":
        return f"token_type is {body.get('token_type')}"
    if not isinstance(body.get("expires_in"), int) or body["expires_in"] <= 0:
        return f"expires_in is {body.get('expires_in')}"
    if body.get("scope") != scope:
        return f"scope is {body.get('scope')}"
    if refresh and not _REFRESH.fullmatch(str(body.get("refresh_token"))):
        return "no refresh token of ours"
    if not refresh and "refresh_token" in body:
        return "a refresh token where none is due"
    return ""


def wrong_rotation(body: Body, scope: str, used: str) -> str:
    """Check the response to a refresh: its refresh token must differ from the used one."""
    found = wrong_tokens(body, scope, refresh=True)
    return found or ("the refresh token is still the old one" if body["refresh_token"] == used else "")


def wrong_active(body: Body, client_id: str, subject: str | None = None) -> str:
    """Check the introspection of an active token (RFC 7662 2.2). ``subject`` is None for a client's own token."""
    if body.get("active") is not True:
        return "a living token is inactive"
    if body.get("client_id") != client_id:
        return f"client_id is {body.get('client_id')}"
    if body.get("sub") != (subject or client_id):
        return f"sub is {body.get('sub')}"
    return "" if isinstance(body.get("exp"), int) else "no exp"


def wrong_inactive(body: Body) -> str:
    """Check the introspection of anything else: exactly ``{"active": false}``."""
    return "" if body == {"active": False} else "a dead token gets more than active=false"
