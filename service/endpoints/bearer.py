"""The bearer token of a request to a resource of ours (RFC 6750)."""

import re

from service.protocol.errors import InvalidRequest, InvalidToken, TokenRequired
from service.protocol.request import Request

_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def bearer_token(request: Request) -> str:
    """In the Authorization header or in a form, never in the query (RFC 6750 2.1 and 2.2).

    Raises InvalidRequest where it comes twice, TokenRequired where there is none, InvalidToken where it is not sent as one.
    """
    in_body = request.parameters.get("access_token") if request.method == "POST" else None
    if request.authorization is None:
        if in_body is None:
            raise TokenRequired
        return in_body
    found = _BEARER.fullmatch(request.authorization)
    if found is None:
        raise InvalidToken("The Authorization header must be: Bearer <access token>.")
    if in_body is not None:
        raise InvalidRequest("More than one access token is given (RFC 6750 section 2).")
    return found[1]
