"""client_secret_basic: HTTP Basic (RFC 6749 section 2.3.1, RFC 7617, IT-11)."""

import binascii
from base64 import b64decode
from urllib.parse import unquote, unquote_plus

from service.client_auth.method import Presented
from service.client_auth.secret import verify_secret
from service.protocol.errors import InvalidClient
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request

NAME = ClientAuthMethod.CLIENT_SECRET_BASIC

verify = verify_secret


def present(request: Request) -> Presented | None:
    """Any Authorization header is an attempt; one that is not Basic is an unsupported method (AU-04).

    client_id and secret are form-urlencoded inside; many clients forget that, so each is tried in every spelling.
    """
    if request.authorization is None:
        return None
    scheme, _, encoded = request.authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("The Authorization header must use the Basic scheme.")
    try:
        client_id, colon, secret = b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient("The Authorization header is not valid Basic authentication.") from error
    if not colon or not client_id:
        raise InvalidClient("The Authorization header holds no client_id and secret.")
    names = _spellings(client_id)
    return Presented(names[0], _spellings(secret), request=request, other_names=names[1:])


def _spellings(text: str) -> tuple[str, ...]:
    """What it may mean, the way of the RFC first: form-urlencoded, percent-encoded with ``+`` for itself, or not at all."""
    if "%" not in text and "+" not in text:
        return (text,)
    return tuple(dict.fromkeys((unquote_plus(text), unquote(text), text)))
