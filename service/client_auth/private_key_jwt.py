"""private_key_jwt: an assertion signed with a key of the client's jwks or jwks_uri (OpenID Connect Core 9, IT-14)."""

from service.client_auth.assertion import present_assertion, verify_assertion
from service.client_auth.method import Presented
from service.crypto.client_keys import ALGORITHMS
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request

NAME = ClientAuthMethod.PRIVATE_KEY_JWT

verify = verify_assertion


def present(request: Request) -> Presented | None:
    """An assertion with an asymmetric signature."""
    return present_assertion(request, ALGORITHMS) if "client_assertion" in request.parameters else None
