"""client_secret_post: client_id and client_secret in the body (RFC 6749 section 2.3.1)."""

from service.client_auth.method import Presented
from service.client_auth.secret import verify_secret
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request

NAME = ClientAuthMethod.CLIENT_SECRET_POST

verify = verify_secret


def present(request: Request) -> Presented | None:
    """A client_secret in the body is an attempt."""
    secret = request.parameters.get("client_secret")
    return None if secret is None else Presented(request.required("client_id"), (secret,), request=request)
