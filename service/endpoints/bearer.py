"""The access token of a request to a resource of ours (RFC 6750), and the bearer token of one that takes no other."""

import re
from typing import NamedTuple

from service.issuer import Issuer
from service.protocol.decision import challenge
from service.protocol.errors import InvalidRequest, MalformedToken, ProtocolError, TokenRequired
from service.protocol.request import Request
from service.tokens.binding import KEY_PROOFS

_BEARER = "Bearer"
_TOKEN = re.compile(r" *([A-Za-z0-9._~+/-]+=*)")


class PresentedToken(NamedTuple):
    """An access token with the scheme that it was sent by."""

    text: str
    scheme: str = _BEARER
    """The registered name of the scheme, however it was written."""


def presented_token(request: Request) -> PresentedToken:
    """Return the token of the Authorization header or the form, never of the query (RFC 6750 2.1 and 2.2).

    Raises InvalidRequest where it comes twice, TokenRequired where there is none or for another scheme, MalformedToken.
    """
    return _presented(request, (_BEARER, *(proof.scheme for proof in KEY_PROOFS.values())))


def bearer_token(request: Request) -> str:
    """Return the token where nothing can be bound to a key."""
    return _presented(request, (_BEARER,)).text


def challenged(issuer: Issuer, authorization: str, error: ProtocolError) -> ProtocolError:
    """Return the error with a challenge for each scheme that is accepted (RFC 9449 section 7.2).

    The scheme in use is the one whose challenge names the error. A request that is refused otherwise (405, 503) needs none.
    """
    if error.status not in (400, 401, 403):
        return error
    used = authorization.partition(" ")[0].lower()
    own = {proof.scheme: proof.challenge(issuer) for proof in KEY_PROOFS.values() if proof.scheme != _BEARER}
    for scheme, parameters in own.items():
        if scheme.lower() == used:
            error.headers["WWW-Authenticate"] = challenge(scheme, error, parameters)
            return error
    others = (challenge(scheme, None, parameters) for scheme, parameters in own.items())
    error.headers["WWW-Authenticate"] = ", ".join((challenge(_BEARER, error), *others))
    return error


def _presented(request: Request, schemes: tuple[str, ...]) -> PresentedToken:
    in_body = request.parameters.get("access_token") if request.method == "POST" else None
    if request.authorization is None:
        if in_body is None:
            raise TokenRequired
        return PresentedToken(in_body)
    if in_body is not None:
        raise InvalidRequest("More than one access token is given (RFC 6750 section 2).")
    named, _, credentials = request.authorization.partition(" ")
    scheme = next((one for one in schemes if one.lower() == named.lower()), None)
    if scheme is None:
        raise TokenRequired("The Authorization header must be: Bearer <access token>.")
    found = _TOKEN.fullmatch(credentials)
    if found is None:
        raise MalformedToken("The Authorization header must be: Bearer <access token>.")
    return PresentedToken(found[1], scheme)
