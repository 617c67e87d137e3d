"""Who is the client: one file a method, and the list. Nothing here knows what the client wants."""

from typing import cast

from service.client_auth import client_secret_basic, client_secret_jwt, client_secret_post, none, private_key_jwt
from service.client_auth.authenticate import AuthenticatedClient
from service.client_auth.authenticate import authenticate as _authenticate
from service.client_auth.method import Method
from service.issuer import Issuer
from service.protocol.request import Request

METHODS = cast(tuple[Method, ...], (client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none))
"""Every method; the order is the one in discovery."""

__all__ = ["METHODS", "AuthenticatedClient", "authenticate"]


async def authenticate(issuer: Issuer, request: Request) -> AuthenticatedClient:
    """The client of a request, authenticated by one of ``METHODS``; raises what ``authenticate.authenticate`` does."""
    return await _authenticate(issuer, METHODS, request)
