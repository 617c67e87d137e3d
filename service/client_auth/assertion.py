"""A JWT as proof: shared by client_secret_jwt and private_key_jwt (RFC 7521 section 4.2, RFC 7523 section 2.2)."""

from collections.abc import Collection

from service.client_auth.method import Presented, Proof
from service.crypto.client_keys import ALGORITHMS
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.errors import InvalidClient
from service.protocol.request import Request
from service.records.client import Client
from service.tokens import assertions

_KNOWN = (*ALGORITHMS, *assertions.HMAC)


def present_assertion(request: Request, algorithms: Collection[str]) -> Presented | None:
    """The client_assertion, if it is signed with one of these; the client is its ``sub``. Raises InvalidClient, also for one
    with no signature that any method knows.
    """
    token = request.required("client_assertion")
    algorithm = assertions.algorithm_of(token)
    if algorithm not in _KNOWN:
        raise InvalidClient(f"The client assertion must be a JWT signed with one of {', '.join(_KNOWN)}")
    if algorithm not in algorithms:
        return None
    if request.parameters.get("client_assertion_type") != assertions.CLIENT_ASSERTION:
        raise InvalidClient(f"client_assertion_type must be {assertions.CLIENT_ASSERTION}")
    try:
        told = assertions.read(token)
    except UnverifiableError as error:
        raise InvalidClient(_told(error)) from error
    return Presented(told.subject, assertion=told, request=request)


async def verify_assertion(issuer: Issuer, client: Client, presented: Presented) -> Proof | None:
    """Raises InvalidClient, saying what is wrong with it: who sends one has nothing to guess."""
    if presented.assertion is None or presented.request is None:
        return None
    try:
        return Proof((await assertions.verify_client(issuer, client, presented.assertion, presented.request),))
    except UnverifiableError as error:
        raise InvalidClient(_told(error), log=str(error)) from error


def _told(error: UnverifiableError) -> str:
    return f"The client assertion cannot be used: {error}"
