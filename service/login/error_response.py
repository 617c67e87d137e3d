"""Errors for a client, without an open redirector for clients that register themselves (RFC 9700 4.11.2)."""

from service.issuer import Issuer
from service.login.client_display import client_values
from service.protocol.authorization_response import error_fields
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import ProtocolError
from service.protocol.response_destination import Verified
from service.records.client import Client
from service.tokens.response_delivery import deliver


async def send_error(
    issuer: Issuer, client: Client, verified: Verified, error: ProtocolError, *, knowingly: bool
) -> Redirect | FormPost | Page:
    """Send the error to the client's redirect URI (RFC 6749 4.1.2.1), by a page of ours that names it where it is not trusted.

    ``knowingly``: no page is needed, as the user signed in and has seen where it leads, or sees nothing of it.
    """
    what = await deliver(issuer, client, verified, error_fields(error))
    if knowingly or is_trusted(issuer, client):
        return what
    return Page(
        "leaving",
        {
            "client": client_values(issuer.settings, client, verified.redirect_uri),
            "error": error.error,
            "description": error.description,
            "action": what.action if isinstance(what, FormPost) else what.location,
            "fields": what.fields if isinstance(what, FormPost) else None,
        },
        error.status,
    )


def is_trusted(issuer: Issuer, client: Client) -> bool:
    """Whether a browser may be redirected to the client without a question: an operator registered the addresses."""
    if not client.self_registered or (client.registration and client.registration.by_token):
        return True
    return issuer.settings.self_registered_redirects == "direct"
