"""Who is the client: one file a method, and the list. Nothing here knows what the client wants."""

from typing import cast

from service.client_auth import client_secret_basic, client_secret_jwt, client_secret_post, none, private_key_jwt
from service.client_auth.authenticate import AuthenticatedClient
from service.client_auth.authenticate import authenticate as _authenticate
from service.client_auth.claimed import note_claimed_client as _note_claimed_client
from service.client_auth.claimed import unread_request
from service.client_auth.method import Method
from service.crypto.client_keys import ALGORITHMS
from service.issuer import Issuer
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.tokens.assertions import HMAC

METHODS = cast(tuple[Method, ...], (client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none))
"""Every method; the order is the one in discovery."""

__all__ = [
    "METHODS",
    "AuthenticatedClient",
    "algorithms_supported",
    "authenticate",
    "methods_supported",
    "note_claimed_client",
    "unread_request",
]


def methods_supported(issuer: Issuer) -> list[str]:
    """The registered names of all methods that are on, for discovery."""
    return [method.NAME.value for method in METHODS if _is_on(issuer, method.NAME)]


def algorithms_supported(issuer: Issuer) -> list[str]:
    """What assertions of clients may be signed with, for discovery."""
    return [*ALGORITHMS, *(HMAC if issuer.sealing.current else ())]


def _is_on(issuer: Issuer, method: ClientAuthMethod) -> bool:
    """Secrets that have to be read again are kept encrypted only."""
    return method is not ClientAuthMethod.CLIENT_SECRET_JWT or bool(issuer.sealing.current)


async def authenticate(issuer: Issuer, request: Request) -> AuthenticatedClient:
    """The client of a request, authenticated by one of ``METHODS``; raises what ``authenticate.authenticate`` does."""
    return await _authenticate(issuer, METHODS, request)


async def note_claimed_client(issuer: Issuer, request: Request, error: ProtocolError | None = None) -> None:
    """Name the client that a refused request claims to be of, in what is logged about it. Where it is refused because Redis
    is away, Redis is not asked.
    """
    await _note_claimed_client(issuer, METHODS, request, asking=not isinstance(error, TemporarilyUnavailable))
