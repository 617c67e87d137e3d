"""Authorization responses to the client by way of the caller: a URL, or a page with a form that posts itself."""

from collections.abc import Mapping
from html import escape
from typing import Any

from service.fronts.decision_api.call import CallResult, response_content
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.issuer import Issuer
from service.login.authorization_requests import RefusedRequestError
from service.login.error_response import is_trusted
from service.login.granting import verified_of
from service.protocol import destinations
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.browsing import FormPost, Redirect
from service.protocol.errors import ProtocolError
from service.records.client import Client


async def back(issuer: Issuer, client: Client, request: AuthorizationRequest, error: ProtocolError) -> CallResult:
    """Return the answer with an error for the client (RFC 6749 section 4.1.2.1)."""
    return await refusal(issuer, RefusedRequestError(client, verified_of(request), error))


async def refusal(issuer: Issuer, refused: RefusedRequestError) -> CallResult:
    """Return the answer for a refused request.

    Where no operator approved the client's address the answer says so: the caller should ask the user before redirecting
    there (RFC 9700 section 4.11.2).
    """
    client, error, uri = refused.client, refused.error, refused.verified.redirect_uri
    facts = {"client_id": client.client_id, "error": error.error}
    members = {} if is_trusted(issuer, client) else {"redirectTrusted": False, **leads_to(uri)}
    return sent(await refused.deliver(issuer), of_error(error.error), facts, members)


def leads_to(redirect_uri: str) -> dict[str, str]:
    """Return the site, device or app that gets the authorization response, for the caller's page."""
    where = destinations.destination(redirect_uri)
    return {"redirectUri": redirect_uri, "redirectKind": where.kind.upper(), "redirectHost": where.name}


def bad_request(error: ProtocolError) -> CallResult:
    """Return an error that the caller shows to the user, not the client. Raises it where the service is unavailable."""
    return CallResult(of_error(error.error), response_content(error), "BAD_REQUEST", error.description)


def sent(
    what: Redirect | FormPost, result: ResultCode, facts: Mapping[str, Any], members: Mapping[str, Any]
) -> CallResult:
    """Return LOCATION with the URL to redirect to, or FORM with a page that posts itself."""
    action, content = ("LOCATION", what.location) if isinstance(what, Redirect) else ("FORM", _form(what))
    return CallResult(result, {**members, "responseContent": content}, action, facts=facts)


def _form(what: FormPost) -> str:
    """Return the page of OAuth 2.0 Form Post Response Mode; it needs no other files, and has a button in case of no scripts."""
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in what.fields.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Continue</title></head>'
        f'<body onload="document.forms[0].submit()"><form method="post" action="{escape(what.action)}">{inputs}'
        "<button>Continue</button></form></body></html>"
    )
