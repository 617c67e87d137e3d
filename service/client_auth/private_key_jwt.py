"""private_key_jwt: an assertion signed with a key of the client's jwks or jwks_uri (OpenID Connect Core 9, IT-14)."""

from service.assertions import HMAC, algorithm_of
from service.client_auth.assertion import present_assertion, verify_assertion
from service.client_auth.method import Presented
from service.protocol.errors import InvalidClient
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.signing.client_keys import ALGORITHMS

NAME = ClientAuthMethod.PRIVATE_KEY_JWT

verify = verify_assertion


def present(request: Request) -> Presented | None:
    """An assertion with an asymmetric signature; one with no signature that is known here is refused by name."""
    token = request.parameters.get("client_assertion")
    if token is None:
        return None
    if algorithm_of(token) not in (*ALGORITHMS, *HMAC):
        raise InvalidClient(f"The client assertion must be a JWT signed with one of {', '.join((*ALGORITHMS, *HMAC))}")
    return present_assertion(request, ALGORITHMS)
