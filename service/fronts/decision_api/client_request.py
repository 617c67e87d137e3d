"""A client's request as a caller hands it over: the raw form, and what the client's Authorization header held."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from service.client_auth import note_claimed_client, registered_name, unread_request
from service.fronts.decision_api.answering import CallResult
from service.fronts.decision_api.body import Body, Text
from service.fronts.decision_api.result_codes import of_error
from service.fronts.decision_api.route import Call
from service.protocol.decision import Action, refuse
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.request import Request, parse_form
from service.records.client import Client


class ClientRequestBody(Body):
    """``parameters``: the form as the caller got it; ``client_id`` and ``client_secret``: from HTTP Basic, if any came."""

    parameters: Text = ""
    client_id: Text | None = None
    client_secret: Text | None = None

    @property
    def by_basic(self) -> bool:
        """Whether the client tried the Authorization header: then it is answered 401 with a challenge (AU-03)."""
        return self.client_id is not None or self.client_secret is not None

    @property
    def authorization(self) -> str | None:
        """The header, as the client sent it."""
        shown = f"{self.client_id or ''}:{self.client_secret or ''}"
        return "Basic " + b64encode(shown.encode()).decode() if self.by_basic else None


def request_of(call: Call, body: ClientRequestBody, path: str) -> Request:
    """The request as an endpoint sees it. ``path``: of that endpoint here. Raises InvalidRequest."""
    form = parse_form(body.parameters.encode())
    url = call.issuer.url_of(path)
    return Request(form.parameters, body.authorization, call.address, form.resources, url=url)


def refused(error: ProtocolError, facts: Mapping[str, Any] | None = None, **members: Any) -> CallResult:
    """The answer for the client, with its action: INVALID_CLIENT, BAD_REQUEST or INTERNAL_SERVER_ERROR. Raises it again where
    the service cannot answer: then the call itself is to be tried once more (P7).
    """
    decision = refuse(error)
    if decision.action is Action.UNAVAILABLE:
        raise error
    content = {**members, "responseContent": decision.content.decode()}
    reason = error.log or error.description
    return CallResult(
        result=of_error(error.error),
        members=content,
        action=decision.action.value,
        detail=error.description,
        facts={**(facts or {}), "error": error.error, "reason": reason},
    )


def method_name(client: Client) -> str:
    """How the client is to authenticate (AU-33), as Authlete spells it."""
    return registered_name(client.auth_method).upper()


async def note_claim(call: Call, body: ClientRequestBody) -> None:
    """Name the client of a refused request in what is logged about the call."""
    try:
        request = request_of(call, body, "")
    except InvalidRequest:
        request = unread_request(body.parameters.encode(), body.authorization)
    await note_claimed_client(call.issuer, request)
