"""Signing in: the page of every step that has no path of its own (IA-29 to IA-34)."""

from service.endpoints.browser_session import failed, other_browser, stale
from service.endpoints.endpoint import BrowserEndpoint, always
from service.endpoints.interaction_pages import AGAIN, answer_visit, ways_again
from service.issuer import Issuer
from service.login import sessions
from service.login.flow import start_again
from service.login.interaction import OtherBrowserError, StaleError
from service.login.steps.step import LOGIN_PATH
from service.login.tickets import load_any_age
from service.protocol.browsing import Reply, Visit
from service.protocol.errors import TemporarilyUnavailable

NAME = "login"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Show the step (GET), or take its form (POST)."""
    if AGAIN in visit.parameters and not visit.is_post:
        return await _start_again(issuer, visit)
    return await answer_visit(issuer, visit, NAME, LOGIN_PATH, of_session=False)


async def _start_again(issuer: Issuer, visit: Visit) -> Reply:
    """Start the same interaction once more, from its beginning: the page was open for too long."""
    try:
        over = await load_any_age(issuer, visit.parameters.get("ticket", ""), visit.browser)
        session = await sessions.read(issuer, visit.session)
        return Reply(await start_again(issuer, over, session, visit.browser, visit.address))
    except OtherBrowserError:
        return Reply(other_browser())
    except StaleError as error:
        return Reply(stale(*ways_again(issuer, error.over)))
    except TemporarilyUnavailable as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error))


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(LOGIN_PATH), handle=decide)
