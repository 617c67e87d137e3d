"""The frame of pages on which signed-in users see and end what is theirs: sign in first, then forms of this session only."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.endpoints.browser_session import browser_of, carries_session_csrf, failed, stale, way
from service.issuer import Issuer
from service.login import sessions
from service.login.flow import start_for_page
from service.protocol.browsing import Page, Reply, Visit
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.records.session import Session


class AccountPage(NamedTuple):
    """A page at a path, and what a form on it does."""

    name: str
    path: str
    show: Callable[[Issuer, Visit, Session], Awaitable[Page]]
    take: Callable[[Issuer, Visit, Session], Awaitable[Reply]]
    """Takes a form that carries the mark of this session's page. Raises TemporarilyUnavailable."""
    earlier: Callable[[Issuer, Visit], Awaitable[Reply | None]] | None = None
    """Finds the answer to a form by which the session has ended, should that be sent again."""

    async def decide(self, issuer: Issuer, visit: Visit) -> Reply:
        """Let users sign in first; then show the page, or take a form of it."""
        try:
            session = await sessions.read(issuer, visit.session)
            if session is None:
                if self.earlier is not None and visit.session and (reply := await self.earlier(issuer, visit)):
                    return reply
                browser = browser_of(issuer, visit)
                what = await start_for_page(issuer, f"{issuer.settings.issuer_path}{self.path}", browser, visit.address)
                return Reply(what, browser=None if visit.browser else browser)
            if not visit.is_post:
                return Reply(await self.show(issuer, visit, session))
            if not carries_session_csrf(visit, self.path):
                return self.stale(issuer)
            return await self.take(issuer, visit, session)
        except TemporarilyUnavailable as error:
            return self.failed(issuer, error)

    def stale(self, issuer: Issuer) -> Reply:
        """Refuse a form that is not one of this page now."""
        return Reply(stale(self._way_on(issuer)))

    def failed(self, issuer: Issuer, error: ProtocolError) -> Reply:
        """Show an error, with a link back to the page."""
        issuer.refusals.record(self.name, error)
        return Reply(failed(error, self._way_on(issuer)))

    def _way_on(self, issuer: Issuer) -> dict[str, str]:
        return way("continue", issuer.settings.issuer_path + self.path)
