"""Who is at the console: an operator's token is traded for a session whose cookie no script and no other site can use."""

import hmac
import math
from hashlib import sha256
from typing import NamedTuple

from pydantic import SecretStr

from service.directory.guard import network_of
from service.issuer import Issuer
from service.protocol.credentials import base64url, hashed
from service.records.operator_session import OperatorSession
from service.settings import Settings
from service.store.failures import Limit

_COOKIE_LENGTH = 43
_LONGEST_TOKEN = 1024


class SignedIn(NamedTuple):
    """``cookie``: the session's secret; ``csrf``: what its forms carry."""

    operator: str
    cookie: str

    @property
    def csrf(self) -> str:
        """Only who holds the cookie can make it."""
        return base64url(hmac.digest(self.cookie.encode(), b"console form", "sha256"))


class WaitError(Exception):
    """Too many wrong tokens came from there: ``seconds`` to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


async def sign_in(issuer: Issuer, token: str, address: str) -> SignedIn | None:
    """A new session for whoever holds an operator's token; None for a wrong one, which is counted.

    Raises WaitError where too many wrong ones came from this network, TemporarilyUnavailable.
    """
    who = f"operator@{network_of(address)}"
    await _check_patience(issuer, who)
    name = operator_of(issuer.settings, token)
    if name is None:
        await issuer.store.failures.count(who, _limit(issuer.settings))
        return None
    issuer.store.failures.forget_soon(who)
    signed, now = SignedIn(name, base64url(issuer.randomness(32))), int(issuer.clock())
    session = OperatorSession(name, _mark(issuer.settings.admin_tokens[name], signed.cookie), now)
    await issuer.store.operator_sessions.keep(hashed(signed.cookie), session, _ends_at(issuer, session, now))
    return signed


async def read(issuer: Issuer, cookie: str, *, prolongs: bool) -> SignedIn | None:
    """The operator that a cookie belongs to, if their token is still one of the settings'. One round trip.

    ``prolongs``: the idle time begins anew.
    """
    if len(cookie) != _COOKIE_LENGTH or not cookie.isascii():
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
    return SignedIn(session.name, cookie)


async def sign_out(issuer: Issuer, signed: SignedIn) -> None:
    """End the session."""
    await issuer.store.operator_sessions.end(hashed(signed.cookie))


def operator_of(settings: Settings, token: str) -> str | None:
    """Whose token this is; all are compared, each in constant time, so that how long it takes tells nothing."""
    given, found = sha256(token[:_LONGEST_TOKEN].encode("utf-8", "surrogatepass")).digest(), None
    for name, held in settings.admin_tokens.items():
        if hmac.compare_digest(given, sha256(held.get_secret_value().encode()).digest()):
            found = name
    return found


async def _check_patience(issuer: Issuer, who: str) -> None:
    """Raises WaitError."""
    failures = issuer.store.failures
    replies = await issuer.store.connection.execute_all(failures.read_steps(who))
    if wait := max(failures.state(*replies).wait, failures.known_wait(who)):
        raise WaitError(math.ceil(wait))


def _limit(settings: Settings) -> Limit:
    return Limit(
        settings.user_failures_allowed,
        settings.failure_first_delay,
        settings.failure_longest_delay,
        settings.failure_memory,
    )


def _mark(token: SecretStr, cookie: str) -> str:
    return base64url(hmac.digest(cookie.encode(), token.get_secret_value().encode(), "sha256"))


def _ends_at(issuer: Issuer, session: OperatorSession, now: int) -> int:
    """Idle or absolute limit, whichever is first; epoch seconds."""
    settings = issuer.settings
    return min(now + settings.console_idle_lifetime, session.started_at + settings.console_lifetime)
