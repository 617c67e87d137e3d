"""The pages of interactions: the step that is due, its page, the effect of its form, and ways on where that fails."""

import hmac
import logging
from collections.abc import Mapping
from typing import Any, assert_never

from service.endpoints.browser_session import failed, form_of, other_browser, stale, way
from service.issuer import Issuer
from service.login import sessions
from service.login.backchannel_requests import APPROVALS_PATH
from service.login.client_display import client_values
from service.login.device_requests import DEVICE_PATH
from service.login.flow import may_start_again, page_url, refuse, resume
from service.login.interaction import ClientInteraction, Interaction, OtherBrowserError, PageInteraction, StaleError
from service.login.repeated_forms import SentForm, answer_once, earlier_answer
from service.login.sessions import SignedIn
from service.login.steps import STEPS, current_step, next_step
from service.login.steps.step import Again, Authenticated, Failed, Passed, Step
from service.login.tickets import csrf_of, load, update
from service.observe.events import Event
from service.protocol.browsing import FormPost, Page, Redirect, Reply, Visit
from service.protocol.errors import AccessDenied, ProtocolError, TemporarilyUnavailable
from service.records.interaction import BACKCHANNEL, DEVICE, REDIRECT
from service.records.session import Session

log = logging.getLogger(__name__)

AGAIN = "again"
"""The parameter by which a user starts anew what has ended."""


async def answer_visit(issuer: Issuer, visit: Visit, name: str, path: str, *, of_session: bool) -> Reply:
    """Show the step that is due (GET), or take its form once (POST); a form that is not of this step changes nothing (IA-32).

    Args:
        issuer: Ours.
        visit: The request of the browser.
        name: Of the endpoint.
        path: Of the endpoint; other steps have theirs.
        of_session: The same form of another session is another form.
    """
    session: Session | None = None
    interaction: Interaction | None = None
    form, ticket = form_of(name, visit, of_session=of_session), visit.parameters.get("ticket", "")
    try:
        session = await sessions.read(issuer, visit.session)
        interaction = await load(issuer, ticket, visit.browser, session, visit.address)
        if not visit.is_post or not _is_filled(visit, path):
            # A form without an answer is not stored: there is no end to such forms.
            return await _show(issuer, visit, path, interaction, session)
        return await _take_once(issuer, visit, path, interaction, session, form)
    except OtherBrowserError:
        return Reply(other_browser())
    except StaleError as error:
        repeated = await earlier_answer(issuer, form) if visit.is_post and visit.browser else None
        return repeated or await _lead_on(issuer, visit, interaction, session, error.over)
    except TemporarilyUnavailable as error:
        issuer.refusals.record(form.page, error)
        ways = _ways_on(issuer, interaction) or ([way("continue", page_url(issuer, ticket))] if ticket else [])
        return Reply(failed(error, *ways))


# showing


def _is_filled(visit: Visit, path: str) -> bool:
    """Whether a form has all fields of any of the steps of this path."""
    return "cancel" in visit.parameters or any(step.is_in(visit) for step in STEPS if step.path == path)


async def _show(issuer: Issuer, visit: Visit, path: str, interaction: Interaction, session: Session | None) -> Reply:
    """Return the page of the step; if that is done by now (in another tab), lead on to what comes after it."""
    due = await next_step(issuer, interaction, session)
    if due is None or due.path != path or due is not current_step(interaction):
        return _reply(interaction, await resume(issuer, interaction, session))
    return await _page(issuer, visit, due, interaction, session, {"fault": "missing"} if visit.is_post else {})


async def _page(
    issuer: Issuer,
    visit: Visit,
    step: Step,
    interaction: Interaction,
    session: Session | None,
    values: Mapping[str, str | int],
) -> Reply:
    try:
        page = await step.page(issuer, visit, interaction, session)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return _reply(interaction, await refuse(issuer, interaction, error, session))
    shared = {
        "ticket": interaction.ticket,
        "csrf": csrf_of(interaction, visit.browser, None if step.starts_session else session),
        "client": _client_of(issuer, interaction),
    }
    return _reply(interaction, Page(page.name, {**shared, **page.values, **values}, page.status))


def _client_of(issuer: Issuer, interaction: Interaction) -> Mapping[str, Any] | None:
    """Return the values of the client for the page."""
    match interaction:
        case ClientInteraction(client=client, request=request):
            return client_values(issuer.settings, client, request.redirect_uri)
        case PageInteraction():
            return None
        case _:
            assert_never(interaction)


def _reply(interaction: Interaction, what: Page | Redirect | FormPost) -> Reply:
    return Reply(what, languages=interaction.languages)


# taking a form


async def _take_once(
    issuer: Issuer, visit: Visit, path: str, interaction: Interaction, session: Session | None, form: SentForm
) -> Reply:
    step = current_step(interaction)
    if step is None or step.path != path:
        raise StaleError
    expected = csrf_of(interaction, visit.browser, None if step.starts_session else session)
    if not hmac.compare_digest(expected.encode(), visit.parameters.get("csrf", "").encode()):
        raise StaleError
    reply = await answer_once(issuer, form, lambda: _take(issuer, visit, step, interaction, session))
    if reply is None:
        raise StaleError
    return reply


async def _take(issuer: Issuer, visit: Visit, step: Step, interaction: Interaction, session: Session | None) -> Reply:
    if "cancel" in visit.parameters and isinstance(interaction, ClientInteraction):
        cancelled = AccessDenied("The user did not sign in.")
        return _reply(interaction, await refuse(issuer, interaction, cancelled, session))
    if session and step.counts_only_when_due(visit) and await next_step(issuer, interaction, session) is not step:
        return _reply(interaction, await resume(issuer, interaction, session))
    outcome = await step.take(issuer, visit, interaction, session)
    match outcome:
        case Again(tried, values):
            return await _page(issuer, visit, step, tried, session, values)
        case Failed(ended, error):
            return _reply(ended, await refuse(issuer, ended, error, session))
        case Passed(passed):
            if step.amr and session is not None:
                return await _resume_as(issuer, passed, await sessions.strengthen(issuer, session, step.amr))
            return _reply(passed, await resume(issuer, passed, session))
        case Authenticated():
            return await _sign_in(issuer, visit, step, outcome, session)
        case _:
            assert_never(outcome)


async def _sign_in(issuer: Issuer, visit: Visit, step: Step, proof: Authenticated, session: Session | None) -> Reply:
    tried, person = proof
    try:
        signed = await sessions.sign_in(
            issuer, person, session, amr=step.amr, address=visit.address, client_id=tried.client_id
        )
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return _reply(tried, await refuse(issuer, tried, error, session))
    issuer.metrics.request("login", "ok")
    log.info(Event.SIGNED_IN, extra={"subject": person.subject, "sid": signed.session.sid})
    proved = {"proved_at": signed.session.auth_time, "anew": False, "chose": True}
    return await _resume_as(issuer, tried, signed, person.device, proved)


async def _resume_as(
    issuer: Issuer,
    interaction: Interaction,
    signed: SignedIn,
    device: str = "",
    proved: Mapping[str, bool | int] | None = None,
) -> Reply:
    """Continue with the cookie of a session that has just changed: the browser gets it in every case."""
    what: Page | Redirect | FormPost
    try:
        if proved:
            interaction = await update(issuer, interaction, signed.session, **proved)
        what = await resume(issuer, interaction, signed.session)
    except StaleError:
        what = stale(*_ways_on(issuer, interaction))
    except TemporarilyUnavailable as error:
        issuer.refusals.record("login", error)
        what = failed(error, *_ways_on(issuer, interaction))
    return Reply(what, session=signed.cookie, device=device or None, languages=interaction.languages)


# ways on after an error


def _ways_on(issuer: Issuer, interaction: Interaction | None) -> list[dict[str, str]]:
    """Return links to the interaction, as far as it has got, and to where its request can be found again if it is over."""
    if interaction is None:
        return []
    channel = interaction.channel if isinstance(interaction, ClientInteraction) else REDIRECT
    if channel == BACKCHANNEL:
        return [way("continue", issuer.settings.issuer_path + APPROVALS_PATH)]
    ways = [way("continue", page_url(issuer, interaction.ticket))]
    return [*ways, way("device", issuer.settings.issuer_path + DEVICE_PATH)] if channel == DEVICE else ways


async def _lead_on(
    issuer: Issuer, visit: Visit, interaction: Interaction | None, session: Session | None, over: Interaction | None
) -> Reply:
    """Lead on a sign-in form whose user has signed in by now, in another tab. Otherwise return a page with links."""
    if interaction is None:
        return Reply(stale(*ways_again(issuer, over)))
    if visit.is_post and (sent := next((step for step in STEPS if step.starts_session and step.is_in(visit)), None)):
        due = await next_step(issuer, interaction, session)
        if due is None or STEPS.index(due) > STEPS.index(sent):
            return Reply(Redirect(page_url(issuer, interaction.ticket)))
    return Reply(stale(*_ways_on(issuer, interaction)))


def ways_again(issuer: Issuer, over: Interaction | None) -> list[dict[str, str]]:
    """Return links to the same request once more, where it may be started again, and to the client."""
    if not isinstance(over, ClientInteraction):
        return []
    if over.channel == DEVICE:
        return [way("device", issuer.settings.issuer_path + DEVICE_PATH)]
    again = [way("again", page_url(issuer, over.ticket) + f"&{AGAIN}=1")] if may_start_again(over) else []
    shown = _client_of(issuer, over)
    return again + ([way("client", shown["client_uri"], shown["name"])] if shown and shown["client_uri"] else [])
