"""The page for devices (RFC 8628 section 3.3): a user enters the code that a device shows, and confirms that it is theirs.

Two forms: the code, which may be in the link that led here; then the client, and a warning. Only then an interaction is
started, with the steps of every other one. ``login.user_codes`` finds the request, ``login.channels.device`` ends it.
"""

import hmac
import logging
from typing import NamedTuple
from urllib.parse import urlencode

from service.directory import BlockedError
from service.endpoints.browser_session import browser_of, failed, form_of
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import device_requests, flow, sessions
from service.login.client_display import client_values
from service.login.device_requests import DEVICE_PATH
from service.login.flow import start_for_page
from service.login.interaction import ClientInteraction
from service.login.repeated_forms import answer_once, earlier_answer
from service.login.user_codes import MustSignInFirstError, find
from service.observe.current import note_client
from service.observe.events import Event
from service.protocol import user_codes
from service.protocol.browsing import FormPost, Page, Redirect, Reply, Visit
from service.protocol.credentials import base64url, hashed
from service.protocol.errors import AccessDenied, ProtocolError, TemporarilyUnavailable
from service.records.interaction import DEVICE, Progress
from service.records.session import Session

log = logging.getLogger(__name__)

NAME = "device"
_LONGEST_SHOWN = 20


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Show the form (GET), or take the code or the confirmation (POST); a form of another browser is shown again."""
    browser = browser_of(issuer, visit)
    given = visit.parameters.get("user_code", "")
    entry = _Entry(browser, user_codes.typed(given), given[:_LONGEST_SHOWN], visit.parameters.get("decision", ""))
    new_cookie = None if visit.browser else browser
    if not visit.is_post or not hmac.compare_digest(entry.csrf.encode(), visit.parameters.get("csrf", "").encode()):
        return Reply(_form(entry), browser=new_cookie)
    if not entry.code:
        return Reply(_form(entry, "malformed" if given else ""))
    try:
        if not entry.decision:
            return Reply(await _take(issuer, visit, entry))
        form = form_of(NAME, visit, of_session=False)
        reply = await answer_once(issuer, form, lambda: _take_once(issuer, visit, entry))
        return reply or await earlier_answer(issuer, form) or Reply(_form(entry, "unknown"))
    except TemporarilyUnavailable as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error))


class _Entry(NamedTuple):
    """The input from a browser."""

    browser: str
    """Its cookie."""
    code: str
    """Eight letters, "" where none was entered."""
    given: str
    """The code as it was entered."""
    decision: str
    """The answer to the confirmation, "" where only the code was sent."""

    @property
    def shown(self) -> str:
        """Return the code as users see it, or what they entered."""
        return user_codes.shown(self.code) if self.code else self.given

    @property
    def csrf(self) -> str:
        """Return the mark of its form; that of a confirmation is for one code, which was found before."""
        return _csrf(self.browser, self.code if self.decision else "")


async def _take_once(issuer: Issuer, visit: Visit, entry: _Entry) -> Reply:
    return Reply(await _take(issuer, visit, entry))


async def _take(issuer: Issuer, visit: Visit, entry: _Entry) -> Page | Redirect | FormPost:
    """Find the request; ask whether it is the user's, or continue with the answer."""
    session = await sessions.read(issuer, visit.session)
    try:
        reference = await find(issuer, entry.code, entry.browser, visit.address, session)
    except BlockedError as blocked:
        log.warning(blocked.event, extra={"address": visit.address, "seconds": blocked.seconds})
        return _form(entry, "blocked", blocked.seconds)
    except MustSignInFirstError:
        issuer.metrics.security_event(Event.USER_CODES_NEED_SIGN_IN)
        log.warning(Event.USER_CODES_NEED_SIGN_IN, extra={"address": visit.address})
        page = f"{issuer.settings.issuer_path}{DEVICE_PATH}?{urlencode({'user_code': entry.shown})}"
        return await start_for_page(issuer, page, entry.browser, visit.address)
    found = await device_requests.load(issuer, reference) if reference else None
    if found is None:
        issuer.refusals.keep(NAME, "wrong_user_code", "the user code is unknown, used, or has expired")
        return _form(entry, "unknown")
    record, client = found
    note_client(client.client_id)
    if not entry.decision:
        values = {"user_code": entry.shown, "csrf": _csrf(entry.browser, entry.code)}
        return Page("device_confirm", values | {"client": client_values(issuer.settings, client)})
    waiting = ClientInteraction(
        progress=Progress(hashed(entry.browser), int(issuer.clock()), client_generation=client.generation),
        client=client,
        request=record.request,
        channel=DEVICE,
        reference=reference,
    )
    return await _decided(issuer, visit, entry, waiting, session)


async def _decided(
    issuer: Issuer, visit: Visit, entry: _Entry, waiting: ClientInteraction, session: Session | None
) -> Page | Redirect | FormPost:
    """Start the interaction of a device's request that its user confirmed; deny one that is not theirs."""
    client, request, reference = waiting.client, waiting.request, waiting.reference
    try:
        if entry.decision != "continue":
            raise AccessDenied("The user denied the request.")
        return await flow.start(
            issuer, client, request, session, entry.browser, visit.address, channel=DEVICE, reference=reference
        )
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return await flow.refusal_of(issuer, waiting, error, session)


def _form(entry: _Entry, fault: str = "", wait: int = 0) -> Page:
    values = {"user_code": entry.shown, "csrf": _csrf(entry.browser), "fault": fault, "wait": wait}
    return Page("device", values, 429 if fault == "blocked" else 200)


def _csrf(browser: str, code: str = "") -> str:
    return base64url(hmac.digest(browser.encode(), f"{DEVICE_PATH}\0{code}".encode(), "sha256"))


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(DEVICE_PATH), handle=decide)
