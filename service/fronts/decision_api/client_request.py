"""A client's request as a caller hands it over: the raw form, and what the client's Authorization header held."""

from base64 import b64encode

from service.client_auth import note_claimed_client, unread_request
from service.fronts.decision_api.body import DpopBody, Text
from service.fronts.decision_api.call import NOTHING_KNOWN, Call, CallResult, response_content
from service.fronts.decision_api.result_codes import of_error
from service.fronts.decision_api.shown_certificate import CertificatePathBody
from service.protocol.decision import refuse
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.request import Request, parse_form


class ClientRequestBody(CertificatePathBody, DpopBody):
    """A request of a client."""

    parameters: Text = ""
    """The form as the caller got it."""
    client_id: Text | None = None
    client_secret: Text | None = None
    """Both from HTTP Basic, if any came."""

    @property
    def authorization(self) -> str | None:
        """The header as the client sent it, if it did: then it is answered 401 with a challenge (AU-03)."""
        if self.client_id is None and self.client_secret is None:
            return None
        return "Basic " + b64encode(f"{self.client_id or ''}:{self.client_secret or ''}".encode()).decode()


def request_of(call: Call, body: ClientRequestBody, path: str) -> Request:
    """The request as an endpoint sees it. ``path``: of that endpoint here. Raises InvalidRequest."""
    form = parse_form(body.parameters.encode())
    request = Request(
        form.parameters,
        body.authorization,
        call.address,
        form.resources,
        url=call.issuer.url_of(path),
        certificate=body.chain,
        audiences=form.audiences,
    )
    return body.proving(request)


def refused(error: ProtocolError, so_far: CallResult = NOTHING_KNOWN) -> CallResult:
    """The answer for the client, with its action: INVALID_CLIENT, BAD_REQUEST or INTERNAL_SERVER_ERROR.

    Args:
        error: Raised again where the service cannot answer.
        so_far: What is known of the client.
    """
    return CallResult(
        result=of_error(error.error),
        members={**so_far.members, **response_content(error)},
        action=refuse(error).action.value,
        detail=error.description,
        facts={**so_far.facts, "error": error.error, "reason": error.log or error.description},
    )


def refused_as_unauthorized(error: ProtocolError) -> CallResult:
    """The same where Authlete calls the action for a client that is not authenticated UNAUTHORIZED."""
    result = refused(error)
    return result._replace(action="UNAUTHORIZED") if result.action == "INVALID_CLIENT" else result


async def note_claim(call: Call, body: ClientRequestBody) -> None:
    """Name the client of a refused request in what is logged about the call."""
    try:
        request = request_of(call, body, "")
    except InvalidRequest:
        request = unread_request(body.parameters.encode(), body.authorization)
    await note_claimed_client(call.issuer, request)
