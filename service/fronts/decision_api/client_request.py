"""A client's request as a caller passes it on: the raw form, and the credentials of the Authorization header."""

from base64 import b64encode

from service.client_auth import note_claimed_client, unread_request
from service.fronts.decision_api.body import DpopBody, Text
from service.fronts.decision_api.call import NOTHING_KNOWN, Call, CallResult, response_content
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.fronts.decision_api.shown_certificate import CertificatePathBody
from service.protocol.decision import refuse
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.request import Request, parse_form


class ClientRequestBody(CertificatePathBody, DpopBody):
    """A request of a client."""

    parameters: Text = ""
    """The form as the caller received it."""
    client_id: Text | None = None
    client_secret: Text | None = None
    """Like ``clientId`` from HTTP Basic, if the client used it."""

    @property
    def authorization(self) -> str | None:
        """Return the client's Authorization header, None where it sent none; with it, the response is 401 (AU-03)."""
        if self.client_id is None and self.client_secret is None:
            return None
        return "Basic " + b64encode(f"{self.client_id or ''}:{self.client_secret or ''}".encode()).decode()


def request_of(call: Call, body: ClientRequestBody, path: str) -> Request:
    """Return the request for an endpoint of ours, which is at ``path``. Raises InvalidRequest."""
    form = parse_form(body.parameters.encode())
    request = Request(
        form.parameters,
        body.authorization,
        call.address,
        form.resources,
        url=call.issuer.url_of(path),
        certificate=body.chain,
        audiences=form.audiences,
        by_backend=True,
    )
    return body.proving(request)


def refused(error: ProtocolError, so_far: CallResult = NOTHING_KNOWN) -> CallResult:
    """Return the answer for the client, with its action: INVALID_CLIENT, BAD_REQUEST or INTERNAL_SERVER_ERROR.

    One for now (429) has a result code of its own, and ``retryAfter`` with the seconds of Retry-After.

    Args:
        error: The refusal; raised again where the service cannot answer.
        so_far: The members that describe the client, as far as it is known.
    """
    is_blocked, wait = error.status == 429, error.headers.get("Retry-After")
    retry_after = {"retryAfter": int(wait)} if wait else {}
    return CallResult(
        result=ResultCode.TOO_MANY_ATTEMPTS if is_blocked else of_error(error.error),
        members={**so_far.members, **response_content(error), **retry_after},
        action=refuse(error).action.value,
        detail=error.description,
        facts={**so_far.facts, "error": error.error, "reason": error.log or error.description},
    )


def refused_as_unauthorized(error: ProtocolError) -> CallResult:
    """Return the answer for calls of Authlete in which the action for failed client authentication is UNAUTHORIZED."""
    result = refused(error)
    return result._replace(action="UNAUTHORIZED") if result.action == "INVALID_CLIENT" else result


async def note_claim(call: Call, body: ClientRequestBody) -> None:
    """Note the client of a refused request for the log."""
    try:
        request = request_of(call, body, "")
    except InvalidRequest:
        request = unread_request(body.parameters.encode(), body.authorization)
    await note_claimed_client(call.issuer, request)
