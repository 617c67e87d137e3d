"""Sessions of the console: a token of an operator is exchanged for a cookie that no script and no other site can use."""

import hmac
from typing import NamedTuple

from pydantic import SecretStr

from service.fronts.operator_token import count_failure, operator_of
from service.issuer import Issuer
from service.protocol.credentials import Kind, base64url, hashed, new_secret
from service.records.operator_session import OperatorSession

_COOKIE_LENGTHS = (49, 43)
_LONGEST_TOKEN = 1024


class SignedInOperator(NamedTuple):
    """An operator with a session."""

    operator: str
    cookie: str
    """The session's secret."""

    @property
    def csrf(self) -> str:
        """The CSRF token in the session's forms, which only the holder of the cookie can make."""
        return base64url(hmac.digest(self.cookie.encode(), b"console form", "sha256"))


class WaitError(Exception):
    """Too many wrong tokens came from this network. ``seconds`` is the time to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


async def sign_in(issuer: Issuer, token: str, address: str) -> SignedInOperator | None:
    """Begin a session for the holder of an operator's token. Return None for a wrong token, which is counted.

    Raises WaitError where too many wrong tokens came from this network, TemporarilyUnavailable.
    """
    name = operator_of(issuer.settings, token[:_LONGEST_TOKEN])
    if name is None:
        if wait := await count_failure(issuer, address):
            raise WaitError(wait)
        return None
    signed, now = SignedInOperator(name, new_secret(Kind.OPERATOR_SESSION, issuer.randomness)), int(issuer.clock())
    session = OperatorSession(name, _mark(issuer.settings.admin_tokens[name], signed.cookie), now)
    await issuer.store.operator_sessions.keep(hashed(signed.cookie), session, _ends_at(issuer, session, now))
    return signed


async def read(issuer: Issuer, cookie: str, *, prolongs: bool) -> SignedInOperator | None:
    """Return the operator of a cookie, if their token is still in the settings. One round trip.

    If it ``prolongs`` the session, the idle time begins anew.
    """
    if not _is_cookie(cookie):
        return None
    session = await issuer.store.operator_sessions.get(hashed(cookie))
    if session is None:
        return None
    held, now = issuer.settings.admin_tokens.get(session.name), int(issuer.clock())
    if held is None or not hmac.compare_digest(_mark(held, cookie), session.token_mark):
        return None
    if now >= session.started_at + issuer.settings.console_lifetime:
        return None
    if prolongs:
        issuer.store.operator_sessions.extend_soon(hashed(cookie), _ends_at(issuer, session, now))
    return SignedInOperator(session.name, cookie)


async def end(issuer: Issuer, cookie: str) -> None:
    """End the session of a cookie, if there is one."""
    if _is_cookie(cookie):
        await issuer.store.operator_sessions.end(hashed(cookie))


def _is_cookie(cookie: str) -> bool:
    return len(cookie) in _COOKIE_LENGTHS and cookie.isascii()


def _mark(token: SecretStr, cookie: str) -> str:
    return base64url(hmac.digest(cookie.encode(), token.get_secret_value().encode(), "sha256"))


def _ends_at(issuer: Issuer, session: OperatorSession, now: int) -> int:
    """Return the earlier of the idle and the absolute limit, in epoch seconds."""
    settings = issuer.settings
    return min(now + settings.console_idle_lifetime, session.started_at + settings.console_lifetime)
