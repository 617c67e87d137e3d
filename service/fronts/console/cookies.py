"""The cookies of the console, which no script and no other site can use."""

from http.cookies import SimpleCookie

from service.fronts.peer import Peer


def name(of: str, peer: Peer) -> str:
    """Return the name of a cookie. Without TLS (only on this machine) browsers refuse the prefix ``__Host-``."""
    return f"__Host-{of}" if peer.secure else of


def written(of: str, peer: Peer, value: str) -> str:
    """Return the value of Set-Cookie for a session cookie; an empty value deletes it (RFC 6265)."""
    cookie: SimpleCookie = SimpleCookie()
    cookie[name(of, peer)] = value
    morsel = cookie[name(of, peer)]
    morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Strict"
    if peer.secure:
        morsel["secure"] = True
    if not value:
        morsel["max-age"] = 0
    return morsel.OutputString()
