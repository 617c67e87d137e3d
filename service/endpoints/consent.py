"""Consent: the page on which a user allows a client what it asks for (IA-28, IA-31)."""

from service.endpoints.endpoint import BrowserEndpoint, always
from service.endpoints.interaction_pages import answer_visit
from service.issuer import Issuer
from service.login.steps.step import CONSENT_PATH
from service.protocol.browsing import Reply, Visit

NAME = "consent"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Show what the client asks for (GET), or allow or deny it (POST); only for a signed-in user."""
    return await answer_visit(issuer, visit, NAME, CONSENT_PATH, of_session=True)


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(CONSENT_PATH), handle=decide)
