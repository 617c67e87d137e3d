"""What goes to the client of an authorization request, by way of the caller: a URL, or a page that posts itself."""

from collections.abc import Mapping
from html import escape
from typing import Any

from service.fronts.decision_api.answering import CallResult
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.issuer import Issuer
from service.login.authorization_requests import RefusedRequestError
from service.login.error_response import is_trusted
from service.login.granting import verified_of
from service.protocol import destinations
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.browsing import FormPost, Redirect
from service.protocol.decision import refuse
from service.protocol.errors import InvalidRequest, ProtocolError
from service.records.client import Client


def back(issuer: Issuer, client: Client, request: AuthorizationRequest, error: ProtocolError) -> CallResult:
    """The error on its way to the client (RFC 6749 4.1.2.1)."""
    return refusal(issuer, RefusedRequestError(client, verified_of(request), error))


def refusal(issuer: Issuer, refused: RefusedRequestError) -> CallResult:
    """The same. Where no operator answers for the address the caller learns so, to ask the user before it goes there (RFC 9700
    4.11.2); it knows best whether it has.
    """
    client, error, uri = refused.client, refused.error, refused.verified.redirect_uri
    facts = {"client_id": client.client_id, "error": error.error}
    members = {} if is_trusted(issuer, client) else {"redirectTrusted": False, **leads_to(uri)}
    return sent(refused.deliver(issuer), of_error(error.error), facts, members)


def leads_to(redirect_uri: str) -> dict[str, str]:
    """For the caller's page: the site, device or app that gets the answer."""
    where = destinations.destination(redirect_uri)
    return {"redirectUri": redirect_uri, "redirectKind": where.kind.upper(), "redirectHost": where.name}


def bad_request(error: ProtocolError) -> CallResult:
    """An error that is not sent to the client: the caller shows it to the user."""
    content = refuse(error).content.decode()
    return CallResult(of_error(error.error), {"responseContent": content}, "BAD_REQUEST", error.description)


def bad_ticket() -> CallResult:
    """As Authlete documents it: most likely the user took too long."""
    error = InvalidRequest("The request has expired, or was answered already; please start again.")
    facts = {"error": error.error, "reason": error.description}
    members = {"responseContent": refuse(error).content.decode()}
    return CallResult(ResultCode.INVALID_TICKET, members, "BAD_REQUEST", facts=facts)


def sent(
    what: Redirect | FormPost, result: ResultCode, facts: Mapping[str, Any], members: Mapping[str, Any] | None = None
) -> CallResult:
    """LOCATION with the URL to redirect to, or FORM with a page that posts itself."""
    if isinstance(what, Redirect):
        return CallResult(result, {**(members or {}), "responseContent": what.location}, "LOCATION", facts=facts)
    return CallResult(result, {**(members or {}), "responseContent": _form(what)}, "FORM", facts=facts)


def _form(what: FormPost) -> str:
    """OAuth 2.0 Form Post Response Mode. The caller serves it: it needs nothing of ours, and without script has a button."""
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in what.fields.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Continue</title></head>'
        f'<body onload="document.forms[0].submit()"><form method="post" action="{escape(what.action)}">{inputs}'
        "<button>Continue</button></form></body></html>"
    )
