"""From request to response: an interaction is started, resumed after each step, and ends with an answer or an error."""

from contextlib import suppress
from typing import assert_never
from urllib.parse import urlencode

import msgspec

from service.issuer import Issuer
from service.login.channels import CHANNELS, Channel
from service.login.expected_user import expected_subject, is_expected
from service.login.interaction import ClientInteraction, CrowdedError, Interaction, PageInteraction, StaleError
from service.login.steps import check_reachable, next_step
from service.login.steps.step import LOGIN_PATH, Step
from service.login.tickets import finish, keep, may_still_ask, move
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.credentials import hashed
from service.protocol.errors import LoginRequired, ProtocolError, TemporarilyUnavailable
from service.protocol.names import Prompt
from service.records.client import Client
from service.records.interaction import REDIRECT, Progress
from service.records.session import Session
from service.tokens.id_tokens import subject_for


async def start(
    issuer: Issuer,
    client: Client,
    request: AuthorizationRequest,
    session: Session | None,
    browser: str,
    address: str = "",
    channel: str = REDIRECT,
    reference: str = "",
) -> Redirect | FormPost | Page:
    """Answer a client's request, or start an interaction with the user first. Return where the browser goes next.

    ``browser`` is the cookie that the interaction is bound to; ``reference`` is the name of the request in its channel.

    Raises:
        LoginRequired, ConsentRequired, AccountSelectionRequired: A step is needed, but prompt=none.
        InvalidRequest: The hint is no ID token of ours.
        UnmetAuthenticationRequirements: No steps lead to the acr that is essential.
        CrowdedError: Too much waits already.
        TemporarilyUnavailable: Redis or the directory is.
    """
    check_reachable(issuer, request, session)
    interaction = ClientInteraction(
        progress=Progress(
            hashed(browser),
            int(issuer.clock()),
            client_generation=client.generation,
            anew=Prompt.CREATE in request.prompt,
        ),
        address=address,
        client=client,
        request=request,
        expects=await expected_subject(issuer, client, request),
        channel=channel,
        reference=reference,
    )
    step = await next_step(issuer, interaction, session)
    if step is None:
        return await _channel_of(interaction).answer(issuer, interaction, _signed_in(session))
    if Prompt.NONE in request.prompt:
        raise step.error("With prompt=none no page may be shown, but one would be needed.")
    return await _to_page(issuer, interaction, step)


async def allow_without_redirect(
    issuer: Issuer,
    client: Client,
    request: AuthorizationRequest,
    session: Session,
    browser: str,
    address: str,
    *,
    channel: str,
    reference: str,
) -> Redirect | FormPost | Page:
    """Finish a request that its user has just allowed on a page of ours, after further steps if it needs any.

    Raises:
        StaleError: It was decided before, or is over.
        CrowdedError: Too much waits already.
        ProtocolError: The user may not allow it.
    """
    progress = Progress(
        hashed(browser),
        int(issuer.clock()),
        client_generation=client.generation,
        consented=True,
        sid=session.sid,
        subject=session.subject,
    )
    interaction = ClientInteraction(
        progress=progress,
        address=address,
        client=client,
        request=request,
        expects=subject_for(issuer, client, session.subject),  # nobody else reads what it is about
        channel=channel,
        reference=reference,
    )
    step = await next_step(issuer, interaction, session)
    if step is None:
        return await _channel_of(interaction).answer(issuer, interaction, session)
    return await _to_page(issuer, interaction, step)


async def start_for_page(issuer: Issuer, path: str, browser: str, address: str = "") -> Redirect:
    """Let a user sign in to see one of our own pages. Raises CrowdedError, TemporarilyUnavailable."""
    progress = Progress(hashed(browser), int(issuer.clock()))
    interaction = PageInteraction(progress=progress, address=address, return_to=path)
    step = await next_step(issuer, interaction, None)
    return Redirect(path) if step is None else await _to_page(issuer, interaction, step)


async def start_again(
    issuer: Issuer, over: Interaction, session: Session | None, browser: str, address: str
) -> Redirect | FormPost | Page:
    """Start an interaction anew whose time is over, by today's rules.

    Raises StaleError where it cannot be started again or the client may not ask for it any more, CrowdedError,
    TemporarilyUnavailable.
    """
    match over:
        case PageInteraction():
            return Redirect(over.return_to)
        case ClientInteraction(client=client, request=request):
            if not may_start_again(over):
                raise StaleError(over)
            if not may_still_ask(issuer, client, over.progress.client_generation, request, over.channel):
                raise StaleError
            try:
                return await start(
                    issuer, client, request, session, browser, address, channel=over.channel, reference=over.reference
                )
            except TemporarilyUnavailable:
                raise
            except ProtocolError as error:
                return await refusal_of(issuer, over, error, session)
        case _:
            assert_never(over)


def may_start_again(interaction: ClientInteraction) -> bool:
    """Whether its request may be used again: it is neither spent once (RFC 9126) nor signed with an end (RFC 9101)."""
    return interaction.channel == REDIRECT and not interaction.request.signed


async def resume(issuer: Issuer, interaction: Interaction, session: Session | None) -> Redirect | FormPost | Page:
    """Go to the next step, or answer the request. Raises StaleError, TemporarilyUnavailable."""
    interaction = interaction.seen_in(session)
    proved = interaction.progress.proved_at and session
    if proved and isinstance(interaction, ClientInteraction) and not is_expected(issuer, interaction, proved):
        other = LoginRequired("Another user signed in than the one who was named.")
        return await refuse(issuer, interaction, other, session)
    step = await next_step(issuer, interaction, session)
    if step is not None:
        moved = await move(issuer, interaction, position=step.position_when_due(interaction.progress))
        return Redirect(page_url(issuer, moved.ticket, step.path))
    done = await finish(issuer, interaction)
    match done:
        case PageInteraction():
            return Redirect(done.return_to)
        case ClientInteraction():
            try:
                return await _channel_of(done).answer(issuer, done, _signed_in(session))
            except ProtocolError as error:
                return await refusal_of(issuer, done, error, session)
        case _:
            assert_never(done)


async def refuse(
    issuer: Issuer, interaction: Interaction, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Finish an interaction with an error for the client. If nothing more can be stored, it may be started once more.

    Raises StaleError, TemporarilyUnavailable.
    """
    with suppress(CrowdedError):
        interaction = await finish(issuer, interaction)
    return await refusal_of(issuer, interaction, error, session)


async def refusal_of(
    issuer: Issuer, interaction: Interaction, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Send the error to the client; without a client go to our own page. ``session`` is that of the user who was asked."""
    match interaction:
        case PageInteraction():
            return Redirect(issuer.settings.issuer_path + "/")
        case ClientInteraction():
            return await _channel_of(interaction).refuse(issuer, interaction, error, session)
        case _:
            assert_never(interaction)


def page_url(issuer: Issuer, ticket: str, path: str = LOGIN_PATH) -> str:
    """Return where an interaction continues; the login page leads to every other step that is due."""
    return f"{issuer.settings.issuer_path}{path}?{urlencode({'ticket': ticket})}"


async def _to_page(issuer: Issuer, interaction: Interaction, step: Step) -> Redirect:
    position = step.position_when_due(interaction.progress)
    progress: Progress = msgspec.structs.replace(interaction.progress, position=position)
    waiting = await keep(issuer, msgspec.structs.replace(interaction, progress=progress))
    return Redirect(page_url(issuer, waiting.ticket, step.path))


def _channel_of(interaction: ClientInteraction) -> Channel:
    """Return the channel that the answer takes. Raises StaleError where only another release knows it."""
    channel = CHANNELS.get(interaction.channel)
    if channel is None:
        raise StaleError
    return channel


def _signed_in(session: Session | None) -> Session:
    """Refuse a request for which no step of the list has signed a user in. Raises LoginRequired."""
    if session is None:
        raise LoginRequired("Nobody is signed in.")
    return session
