"""Client authentication: one file a method, and the list. Nothing here knows what the client wants.

To add one: a file with its ``METHOD``, its line in the list below, its name in ``protocol.names.ClientAuthMethod``; a new
kind of evidence (a header, a certificate) is also a reader in ``evidence``.
"""

from functools import partial

from service.client_auth import (
    client_secret,
    client_secret_basic,
    client_secret_jwt,
    client_secret_post,
    federated_jwt,
    none,
    private_key_jwt,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from service.client_auth.authenticate import AuthenticatedClient, authenticate_by
from service.client_auth.claimed import note_claimed_client, unread_request
from service.client_auth.method import Method
from service.issuer import Issuer
from service.protocol.profiles import demands_of

METHODS: dict[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (
        client_secret_basic,
        client_secret_post,
        client_secret,
        private_key_jwt,
        federated_jwt,
        tls_client_auth,
        self_signed_tls_client_auth,
        client_secret_jwt,
        none,
    )
}
"""Every method by its name; the order is the one in discovery."""
authenticate = partial(authenticate_by, METHODS)

__all__ = [
    "METHODS",
    "AuthenticatedClient",
    "algorithms_supported",
    "authenticate",
    "has_secret",
    "methods_supported",
    "names_of_method",
    "note_claimed_client",
    "registered_name",
    "resumed_method",
    "unread_request",
]


def has_secret(auth_method: str) -> bool:
    """Whether a client that is registered for this method shares a secret with us."""
    return METHODS[auth_method].has_secret


def registered_name(auth_method: str) -> str:
    """Return the method's name in the RFCs."""
    return METHODS[auth_method].registered_name or auth_method


def names_of_method(auth_method: str) -> str:
    """Return the method as users see it: for one of ours what it accepts, in registered names."""
    method = METHODS[auth_method]
    return " or ".join(sorted(method.accepts)) if method.registered_name else auth_method


def resumed_method(said: str, held: str) -> str:
    """Return the method that a registered name stands for: ``held``, where the client was described by that name."""
    return held if registered_name(held) == said else said


def methods_supported(issuer: Issuer) -> list[str]:
    """Return the registered names of all methods that are on, for discovery."""
    return list(dict.fromkeys(registered_name(method.name) for method in _offered(issuer)))


def algorithms_supported(issuer: Issuer) -> list[str]:
    """Return the algorithms for assertions of clients, for discovery."""
    demanded = demands_of(issuer.settings.profile, None).algorithms
    names = (name for method in _offered(issuer) for name in method.signing_algorithms)
    return [name for name in names if demanded is None or name in demanded]


def _offered(issuer: Issuer) -> list[Method]:
    """Return the methods that are on, and that the profile of the settings allows."""
    demanded = demands_of(issuer.settings.profile, None).auth_methods
    return [one for one in METHODS.values() if one.is_on(issuer) and (demanded is None or one.name in demanded)]
