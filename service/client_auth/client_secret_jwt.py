"""client_secret_jwt: an assertion signed with the client's secret (OpenID Connect Core 9, IT-15).

The secret has to be read for that, so it is kept encrypted under the master key beside its hash.
"""

from service.client_auth.assertion import present_assertion, verify_assertion
from service.client_auth.method import Presented
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.tokens.assertions import HMAC

NAME = ClientAuthMethod.CLIENT_SECRET_JWT

verify = verify_assertion


def present(request: Request) -> Presented | None:
    """An assertion with an HMAC."""
    return present_assertion(request, HMAC) if "client_assertion" in request.parameters else None
