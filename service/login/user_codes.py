"""Finding the request of a device by the code that a user entered, with delays against guessing (RFC 8628 section 5.1).

Wrong codes are counted for the user (or the browser, until they have signed in), for the network, and in all. Where there are
too many in all, only users who have signed in may continue: no unknown caller can lock them out.
"""

import logging

from service.concurrency.turns import Turns
from service.directory import BlockedError
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.credentials import hashed
from service.protocol.networks import network_of
from service.records.session import Session
from service.store.failures import Limit

log = logging.getLogger(__name__)

_turns = Turns(20, "user codes from one network")


class MustSignInFirstError(Exception):
    """Too many wrong codes in all: a user who has not signed in has to do so first."""


async def find(issuer: Issuer, code: str, browser: str, address: str, session: Session | None) -> str:
    """Return the reference of the request that a code points to, "" where there is none; count a wrong one.

    One round trip, a second one for a wrong code.

    Args:
        issuer: Ours.
        code: Eight letters.
        browser: Its cookie.
        address: Its address.
        session: Of who is signed in, if anybody is.

    Raises:
        BlockedError: Too many wrong ones of late.
        MustSignInFirstError: Too many in all, and no user is signed in.
        TemporarilyUnavailable: Redis is, or too many try at once.
    """
    store, settings, network = issuer.store, issuer.settings, network_of(address)
    who = store.pseudonyms.of(f"user code by\0{session.subject}") if session else hashed(browser)
    own, of_network, in_all = f"user-code:{who}", f"user-code-network:{network}", "user-code"
    limits = (
        (own, settings.user_code_failures_allowed),
        (of_network, settings.address_failures_allowed),
        (in_all, settings.user_code_failures_allowed_anywhere),
    )
    async with _turns.turn_of(network):
        steps = [
            store.user_codes.find_step(code),
            *(step for name, _ in limits for step in store.failures.read_steps(name)),
        ]
        found, *counts = await store.connection.execute_all(steps)
        here, there, anywhere = (store.failures.state(*counts[at : at + 2]) for at in (0, 2, 4))
        if here.wait or there.wait:
            raise _blocked(issuer, max(here.wait, there.wait))
        if anywhere.wait and session is None:
            raise MustSignInFirstError
        if found:  # a right code resets no count: anyone can have one, for a device of their own
            return bytes(found).decode("ascii")
        await store.failures.count_all([(name, Limit.of(settings, allowed)) for name, allowed in limits])
        return ""


def _blocked(issuer: Issuer, seconds: int) -> BlockedError:
    issuer.metrics.security_event(Event.USER_CODE_BLOCKED)
    return BlockedError(seconds, Event.USER_CODE_BLOCKED)
