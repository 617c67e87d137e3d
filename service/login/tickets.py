"""Tickets: where an interaction waits for its user, and how it is loaded, updated and finished.

Until something has happened the browser keeps everything, sealed: the ticket is the request, and Redis has nothing. Later
events (an attempt to sign in, a proof, a yes, the end) are a small record in Redis, under a hash of the ticket. A request that
cannot be sealed, or is too long for a URL, waits in Redis, sealed by its ticket; these are bounded in bytes by network, by
browser and in all.
"""

import hmac

import msgspec

from service.crypto import sealing
from service.issuer import Issuer
from service.login.admission import take_room
from service.login.interaction import (
    AnyInteraction,
    ClientInteraction,
    Interaction,
    OtherBrowserError,
    PageInteraction,
    StaleError,
    record_of,
)
from service.observe.current import note_client
from service.protocol import redirect_uris
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.credentials import Kind, base64url, hashed, new_secret
from service.protocol.errors import InvalidRequest
from service.protocol.names import ApplicationType, GrantTypeName, ResponseType
from service.records.client import Client
from service.records.interaction import BACKCHANNEL, DEVICE, FINISHED, REDIRECT, InteractionRecord, Progress
from service.records.session import Session
from service.tokens.members import may_have_members
from service.tokens.resources import audiences_of, scopes_of

LONGEST_SEALED = 6000
"""The most characters of a ticket: with the rest of a request line it has to fit what every proxy accepts (8 KB)."""
_LONGEST_REFERENCE = 64
_CLOCKS = 60
"""Seconds by which the clock of Redis may be ahead of ours: a finished interaction is remembered until the ticket has ended."""
_POLLED_BY = {DEVICE: GrantTypeName.DEVICE_CODE, BACKCHANNEL: GrantTypeName.CIBA}
"""The grant types by which clients get what is answered without a redirect."""


async def keep(issuer: Issuer, interaction: AnyInteraction) -> AnyInteraction:
    """Store an interaction under a new ticket. No round trip where the browser keeps it.

    Raises:
        CrowdedError: Too much waits already.
        TemporarilyUnavailable: Redis is.
    """
    content = record_of(interaction).encode()
    carried = issuer.request_sealing.seal(content)
    if 0 < len(carried) <= LONGEST_SEALED:
        return msgspec.structs.replace(interaction, ticket=Kind.TICKET + carried)
    ticket = new_secret(Kind.TICKET, issuer.randomness)
    sealed = sealing.seal(content, ticket, issuer.randomness(sealing.NONCE_BYTES))
    await _admit(issuer, interaction, interaction.progress, len(sealed))
    await issuer.store.tickets.keep_request(ticket, sealed, issuer.settings.ticket_lifetime)
    return msgspec.structs.replace(interaction, ticket=ticket)


async def load(issuer: Issuer, ticket: str, browser: str, session: Session | None, address: str = "") -> Interaction:
    """Load the interaction behind a ticket, as far as it got in this session. One round trip.

    Raises:
        StaleError: It is unknown, over, or the client may not ask for this any more.
        OtherBrowserError: It is another browser's.
    """
    interaction: Interaction = await load_any_age(issuer, ticket, browser, address)
    progress = interaction.progress
    if progress.position == FINISHED or issuer.clock() >= _ends(issuer, progress):
        raise StaleError(interaction)
    if isinstance(interaction, ClientInteraction) and not may_still_ask(
        issuer, interaction.client, progress.client_generation, interaction.request, interaction.channel
    ):
        raise StaleError(interaction)
    return interaction.seen_in(session)


async def load_any_age(issuer: Issuer, ticket: str, browser: str, address: str = "") -> Interaction:
    """Load the interaction behind a ticket, even if it is over. Raises StaleError, OtherBrowserError."""
    content, kept = await _find(issuer, ticket)
    begun, progress = InteractionRecord.decode(content), Progress.decode(kept or content)
    if not browser or not hmac.compare_digest(hashed(browser), begun.browser_hash):
        raise OtherBrowserError
    request = begun.request
    if request is None:
        return PageInteraction(ticket=ticket, progress=progress, kept=kept, address=address, return_to=begun.return_to)
    client = await issuer.store.clients.get(request.client_id)
    if client is None:
        raise StaleError
    note_client(client.client_id)
    return ClientInteraction(
        ticket=ticket,
        progress=progress,
        kept=kept,
        address=address,
        client=client,
        request=request,
        expects=begun.expects,
        channel=begun.channel,
        reference=begun.reference,
    )


async def update(
    issuer: Issuer, interaction: AnyInteraction, session: Session | None, **changes: bool | int | str
) -> AnyInteraction:
    """Change the progress, as made in this session. Of several callers that make the same change at once one succeeds.

    ``answer`` distinguishes a form that is sent twice from a command that is sent twice.

    Raises:
        StaleError: It was changed meanwhile.
        CrowdedError: Too much waits already.
    """
    seen = msgspec.structs.replace(interaction, progress=interaction.progress.seen_in(session))
    return await move(issuer, seen, **changes, answer=base64url(issuer.randomness(16)))


async def move(issuer: Issuer, interaction: AnyInteraction, **changes: bool | int | str) -> AnyInteraction:
    """Change the progress where several callers may make the same change. No round trip where nothing changes."""
    progress: Progress = msgspec.structs.replace(interaction.progress, **changes)
    if progress == interaction.progress:
        return interaction
    kept, ends = progress.encode(), _ends(issuer, progress) + _CLOCKS
    if not interaction.kept:
        await _admit(issuer, interaction, progress, len(kept))
    if not await issuer.store.tickets.advance(interaction.ticket, interaction.kept, kept, ends):
        raise StaleError
    return msgspec.structs.replace(interaction, progress=progress, kept=kept)


async def finish(issuer: Issuer, interaction: AnyInteraction) -> AnyInteraction:
    """End an interaction: no further step can be taken. Raises StaleError, CrowdedError."""
    return await move(issuer, interaction, position=FINISHED, answer=base64url(issuer.randomness(16)))


def may_still_ask(
    issuer: Issuer, client: Client, generation: int, request: AuthorizationRequest, channel: str = REDIRECT
) -> bool:
    """Whether the client might ask today what it asked, as it may have been changed while the user was away.

    ``generation`` is that of the client when it asked, ``channel`` the one by which it gets the answer.
    """
    return (
        client.enabled
        and client.generation == generation
        and _may_be_answered(issuer, client, request, channel)
        and set(request.scopes) <= set(scopes_of(issuer, client, request.audience))
        and set(request.audience) <= set(audiences_of(issuer, client))
        and may_have_members(client, request.members)
    )


def response_types_of(issuer: Issuer, client: Client) -> tuple[ResponseType, ...]:
    """Return the response types that the client may use here: a code if it may redeem it, a token if its are not bound."""
    is_bound = client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens
    has_codes = GrantTypeName.AUTHORIZATION_CODE in client.grant_types
    return tuple(
        one
        for one in client.response_types
        if one in issuer.settings.response_types
        and (has_codes or "code" not in one.parts)
        and not (is_bound and "token" in one.parts)
    )


def _may_be_answered(issuer: Issuer, client: Client, request: AuthorizationRequest, channel: str) -> bool:
    """Whether the client may still get the answer by this channel; one without a redirect needs a grant type, if anything."""
    if channel in _POLLED_BY:
        return _POLLED_BY[channel] in client.grant_types
    if not request.redirect_uri:
        return True
    try:
        redirect_uris.resolve(
            request.redirect_uri,
            client.redirect_uris,
            is_free=request.redirect_uri_pushed,
            is_native=client.application_type is ApplicationType.NATIVE,
        )
    except InvalidRequest:
        return False
    has_code = "code" in request.response_type.parts
    needs_challenge = has_code and request.code_challenge is None and (client.require_pkce or client.public)
    return not needs_challenge and request.response_type in response_types_of(issuer, client)


def csrf_of(interaction: Interaction, browser: str, session: Session | None) -> str:
    """Return the mark in a form of this very step: of no use in another browser, at another step, or for another session."""
    progress = interaction.progress  # whose answer distinguishes a step from the same one after a way back
    sid, subject = (session.sid, session.subject) if session else ("", "")
    signing_input = "\0".join((interaction.ticket, progress.position, progress.answer, sid, subject))
    return base64url(hmac.digest(browser.encode(), signing_input.encode(), "sha256"))


async def _find(issuer: Issuer, ticket: str) -> tuple[bytes, bytes]:
    """Return the request under a ticket, and its progress, empty where nothing has happened. Raises StaleError."""
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
    return content, kept


def _ends(issuer: Issuer, progress: Progress) -> int:
    return progress.created_at + issuer.settings.ticket_lifetime


async def _admit(issuer: Issuer, interaction: AnyInteraction, progress: Progress, size: int) -> None:
    """Refuse so many bytes where there is no room. Raises CrowdedError."""
    browser = progress.sid or progress.browser_hash
    await take_room(issuer, interaction.address, browser, size, issuer.settings.ticket_lifetime)
