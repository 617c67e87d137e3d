"""Delivery of the authorization response to the client: plain parameters, or a JWT, signed and perhaps encrypted (JARM)."""

from collections.abc import Mapping

from service.issuer import Issuer
from service.protocol.authorization_response import redirected, response_parameters
from service.protocol.browsing import FormPost, Redirect
from service.protocol.errors import InvalidRequest, TemporarilyUnavailable
from service.protocol.response_destination import Verified
from service.records.client import Client
from service.tokens.encryption import encrypted
from service.tokens.id_tokens import algorithm_of, keyring_of

LIFETIME = 600
"""Lifetime of that JWT in seconds: the most that JARM 2.1 recommends."""


async def deliver(issuer: Issuer, client: Client, verified: Verified, answer: Mapping[str, str]) -> Redirect | FormPost:
    """Send a response or an error in the response mode of the request, with its ``state`` and ``iss``.

    Raises TemporarilyUnavailable where it cannot be encrypted as the client wants it.
    """
    parameters = response_parameters(issuer.url, verified, answer)
    if verified.as_jwt:
        parameters = {"response": await _sealed(issuer, client, _signed(issuer, client, parameters))}
    return redirected(verified, parameters)


async def _sealed(issuer: Issuer, client: Client, signed: str) -> str:
    """Encrypt it, where the client is registered so. If the client has no key, the log says so for its operator."""
    alg, enc = client.authorization_encrypted_response_alg, client.authorization_encrypted_response_enc
    try:
        return await encrypted(issuer, client, signed, alg, enc)
    except InvalidRequest as error:
        raise TemporarilyUnavailable(log=error.description) from error


def _signed(issuer: Issuer, client: Client, parameters: Mapping[str, str]) -> str:
    """Return every parameter as a claim, with iss, aud and exp, by which the client checks it (JARM 2.1)."""
    algorithm = algorithm_of(issuer, client.authorization_signed_response_alg)
    claims = {**parameters, "iss": issuer.url, "aud": client.client_id, "exp": int(issuer.clock()) + LIFETIME}
    return keyring_of(issuer).sign(algorithm, claims)
