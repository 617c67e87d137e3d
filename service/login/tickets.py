"""Interactions: where an authorization request waits while a person is asked, and how it is found and changed.

Until something has happened the browser keeps all of it, sealed: the ticket is the request, and nothing lies in Redis. What
happens then (an attempt to sign in, a proof, a yes, the end) is a small record there, under a hash of the ticket. A request
that cannot be sealed, or is too long for a URL, waits in Redis, sealed by its ticket; of those there is room for so many
bytes of a network, of a browser and in all.
"""

import hmac
import logging
from typing import Any, NamedTuple

import msgspec

from service.crypto import sealing
from service.issuer import Issuer
from service.observe.current import note_client
from service.protocol import redirect_uris
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.credentials import Kind, base64url, hashed
from service.protocol.errors import InvalidRequest, TemporarilyUnavailable
from service.protocol.networks import wide_network_of
from service.records.client import Client
from service.records.interaction import Question, Stage
from service.records.session import Session
from service.store.waiting import AdmitAnswer

log = logging.getLogger(__name__)

LONGEST_SEALED = 6000
"""Characters of a ticket: together with the rest, a request line that every proxy takes (8 KB)."""
_LONGEST_REFERENCE = 64
_CLOCKS = 60
"""Seconds by which Redis' clock may be ahead of ours: what was finished must not be forgotten before the ticket has ended."""
_OVERHEAD = 200
"""Bytes that a key costs in Redis beside its value."""


class Asked(NamedTuple):
    """An interaction as a browser resumed it. ``question``: what of it holds in the session at hand; ``client``: None where it
    is about our own pages; ``kept``: what of it lies in the store, empty where nothing does; ``address``: of the browser.
    """

    ticket: str
    question: Question
    client: Client | None
    kept: bytes = b""
    address: str = ""


class StaleError(Exception):
    """The form was sent already, out of order, too late, or not by us: nothing is changed. ``over``: the question that has
    ended, where it is known and can be put again.
    """

    def __init__(self, over: Question | None = None) -> None:
        super().__init__()
        self.over = over


class OtherBrowserError(Exception):
    """The question was put to another browser, or this one keeps no cookies."""


class CrowdedError(TemporarilyUnavailable):
    """Too much waits already on behalf of this network, of this browser, or of everybody."""

    def __init__(self) -> None:
        super().__init__("Too many requests wait for users to sign in; please try again soon.", retry_after=60)


async def start(issuer: Issuer, question: Question, address: str) -> str:
    """Let a question wait; its ticket. No round trip where the browser keeps it.

    Raises CrowdedError, TemporarilyUnavailable.
    """
    content = question.encode()
    carried = issuer.request_sealing.seal(content)
    if 0 < len(carried) <= LONGEST_SEALED:
        return Kind.TICKET + carried
    ticket = Kind.TICKET + base64url(issuer.randomness(32))
    sealed = sealing.seal(content, ticket, issuer.randomness(sealing.NONCE_BYTES))
    await _admit(issuer, question, address, len(sealed))
    await issuer.store.tickets.keep_request(ticket, sealed, issuer.settings.ticket_lifetime)
    return ticket


async def resume(issuer: Issuer, ticket: str, browser: str, session: Session | None, address: str = "") -> Asked:
    """The question behind a ticket, as far as it got in this session. One round trip. Raises StaleError, OtherBrowserError."""
    begun, kept = await _find(issuer, ticket)
    check_browser(begun, browser)
    question = begun.at(Question.decode(kept)) if kept else begun
    if question.asks is Stage.DONE or issuer.clock() >= _ends(issuer, question):
        raise StaleError(begun)
    client = None
    if question.request is not None:
        client = await issuer.store.clients.get(question.request.client_id)
        if client is not None:
            note_client(client.client_id)
        if client is None or not stands(client, question.client_generation, question.request):
            raise StaleError(begun)
    return Asked(ticket, question.seen_in(session), client, kept, address)


async def begun_with(issuer: Issuer, ticket: str, browser: str) -> Question:
    """The question as it was put, however old it is. Raises StaleError, OtherBrowserError."""
    begun, _ = await _find(issuer, ticket)
    check_browser(begun, browser)
    return begun


def check_browser(question: Question, browser: str) -> None:
    """Raises OtherBrowserError."""
    if not browser or not hmac.compare_digest(hashed(browser), question.browser_hash):
        raise OtherBrowserError


async def advance(issuer: Issuer, asked: Asked, session: Session | None, **changes: Any) -> Asked:
    """The question with these changes, which are of this session. Of several who make the same change at once one succeeds:
    ``answer`` tells a form that is sent twice from a command that is sent twice. Raises StaleError where it was changed
    meanwhile, CrowdedError.
    """
    asked = asked._replace(question=asked.question.seen_in(session))
    return await change(issuer, asked, **changes, answer=base64url(issuer.randomness(16)))


async def change(issuer: Issuer, asked: Asked, **changes: Any) -> Asked:
    """Likewise, where it is all the same who made the change. No round trip where it changes nothing."""
    changed: Question = msgspec.structs.replace(asked.question, **changes)
    if changed == asked.question:
        return asked
    kept, ends = changed.progress().encode(), _ends(issuer, changed) + _CLOCKS
    if not asked.kept:
        await _admit(issuer, changed, asked.address, len(kept))
    if not await issuer.store.tickets.advance(asked.ticket, asked.kept, kept, ends):
        raise StaleError
    return asked._replace(question=changed, kept=kept)


async def finish(issuer: Issuer, asked: Asked) -> Asked:
    """End it: it cannot be answered from here on. Raises StaleError, CrowdedError."""
    return await change(issuer, asked, stage=Stage.DONE.value, answer=base64url(issuer.randomness(16)))


def stands(client: Client, generation: int, request: AuthorizationRequest) -> bool:
    """Whether the client might ask today what it asked: it may have been changed while a person was away. ``generation``: of
    the client when it asked.
    """
    try:
        redirect_uris.resolve(request.redirect_uri, client.redirect_uris)
    except InvalidRequest:
        return False
    has_code = "code" in request.response_type.parts
    return (
        client.enabled
        and client.generation == generation
        and not (has_code and request.code_challenge is None and (client.require_pkce or client.public))
        and request.response_type in client.response_types
        and set(request.scopes) <= set(client.scopes)
        and set(request.audience) <= set(client.audiences)
    )


def csrf_of(asked: Asked, browser: str, session: Session | None) -> str:
    """What a form of this very stage carries: it cannot be made without the browser's cookie, and it is worth
    nothing at another stage or for another session. Only signing in does not depend on who is signed in by now.
    """
    by = None if asked.question.asks is Stage.LOGIN else session
    question = asked.question  # whose answer tells a stage from the same one after a way back
    signing_input = "\0".join(
        (asked.ticket, question.stage, question.answer, by.sid if by else "", by.subject if by else "")
    )
    return base64url(hmac.digest(browser.encode(), signing_input.encode(), "sha256"))


def check_csrf(asked: Asked, browser: str, session: Session | None, shown: str) -> None:
    """Raises StaleError."""
    if not hmac.compare_digest(csrf_of(asked, browser, session).encode(), shown.encode()):
        raise StaleError


# how it is done


async def _find(issuer: Issuer, ticket: str) -> tuple[Question, bytes]:
    """The question as it was put, and how far it has got. Raises StaleError."""
    if not ticket.isascii() or not ticket:
        raise StaleError
    if len(ticket) > _LONGEST_REFERENCE:
        content = issuer.request_sealing.unseal(ticket.removeprefix(Kind.TICKET))
        kept = await issuer.store.tickets.get_progress(ticket) if content else b""
    else:
        sealed, kept = await issuer.store.tickets.get_request(ticket)
        content = sealing.unseal(sealed, ticket) if sealed else None
    if content is None:
        raise StaleError
    return Question.decode(content), kept


def _ends(issuer: Issuer, question: Question) -> int:
    return question.created_at + issuer.settings.ticket_lifetime


async def _admit(issuer: Issuer, question: Question, address: str, size: int) -> None:
    """Raises CrowdedError."""
    network, browser = wide_network_of(address), question.sid or question.browser_hash
    size, seconds = size + _OVERHEAD, issuer.settings.ticket_lifetime
    answer = await issuer.store.waiting.admit(network, browser, size, seconds)
    if answer is not AdmitAnswer.ADMITTED:
        issuer.metrics.security_event("too_many_requests_wait")
        log.info("too_many_requests_wait", extra={"share_of": answer.value, "network": network})
        raise CrowdedError
