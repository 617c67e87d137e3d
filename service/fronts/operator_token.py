"""What both ways of operators check: whose token it is, from where it comes, and how wrong ones are slowed down.

The right token is taken even where others failed often: it has 32 characters or more and cannot be guessed, and no caller that
shares an address with an operator shall lock them out.
"""

import hmac
from hashlib import sha256

from service.directory import network_of
from service.fronts.peer import Peer
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.addresses import is_loopback
from service.settings import Settings
from service.store.failures import Limit


def operator_of(settings: Settings, token: str) -> str | None:
    """The name of the token; every one is compared, each in constant time, whichever it is."""
    shown, found = _digest(token), None
    for name, held in settings.admin_tokens.items():
        if hmac.compare_digest(shown, _digest(held.get_secret_value())):
            found = name
    return found


def is_private(peer: Peer, settings: Settings) -> bool:
    """Whether no third party can read along: TLS, this machine itself, or the settings say that TLS ends elsewhere."""
    return peer.secure or not settings.require_https or is_loopback(peer.address)


async def count_failure(issuer: Issuer, address: str) -> int:
    """Count a wrong token from there; how many seconds to wait before the next try, 0 = none. Raises TemporarilyUnavailable."""
    settings, failures = issuer.settings, issuer.store.failures
    who = f"operator@{network_of(address)}"
    limit = Limit.of(settings, settings.client_failures_allowed)
    wait = failures.known_wait(who) or await failures.count(who, limit)
    if wait:
        issuer.metrics.security_event(Event.OPERATOR_BLOCKED)
    return wait


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
