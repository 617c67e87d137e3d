"""The checks of operators' tokens, for the console and the admin API: the owner, the transport, and delays for wrong tokens.

The right token is accepted even after many failures: it has 32 characters or more and cannot be guessed, and no caller that
shares an address with an operator may lock them out.
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
    """Return the name of the token, None for a wrong one. All tokens are compared, each in constant time."""
    shown, found = _digest(token), None
    for name, held in settings.admin_tokens.items():
        if hmac.compare_digest(shown, _digest(held.get_secret_value())):
            found = name
    return found


def is_private(peer: Peer, settings: Settings) -> bool:
    """Whether no third party can read the token: TLS, this machine, or settings that say that TLS ends elsewhere."""
    return peer.secure or not settings.require_https or is_loopback(peer.address)


async def count_failure(issuer: Issuer, address: str) -> int:
    """Count a wrong token from an address. Return the seconds to wait, 0 for none. Raises TemporarilyUnavailable."""
    settings, failures = issuer.settings, issuer.store.failures
    who = f"operator@{network_of(address)}"
    limit = Limit.of(settings, settings.client_failures_allowed)
    wait = failures.known_wait(who) or await failures.count(who, limit)
    if wait:
        issuer.metrics.security_event(Event.OPERATOR_BLOCKED)
    return wait


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
