"""The authorization response on its way to the client: in plain parameters, or in a JWT that we signed (JARM)."""

from collections.abc import Mapping

from service.issuer import Issuer
from service.protocol.authorization_response import redirected, response_parameters
from service.protocol.browsing import FormPost, Redirect
from service.protocol.response_destination import Verified
from service.records.client import Client
from service.tokens.id_tokens import algorithm_of, keyring_of

LIFETIME = 600
"""Seconds: the most that JARM 2.1 recommends."""


def deliver(issuer: Issuer, client: Client, verified: Verified, answer: Mapping[str, str]) -> Redirect | FormPost:
    """Send an answer, or an error, with ``state`` as it came and ``iss``, the way the response mode says."""
    parameters = response_parameters(issuer.url, verified, answer)
    if verified.as_jwt:
        parameters = {"response": _signed(issuer, client, parameters)}
    return redirected(verified, parameters)


def _signed(issuer: Issuer, client: Client, parameters: Mapping[str, str]) -> str:
    """Every parameter as a claim, beside those by which the client knows whose and whether it is for it (JARM 2.1)."""
    algorithm = algorithm_of(issuer, client.authorization_signed_response_alg)
    claims = {**parameters, "iss": issuer.url, "aud": client.client_id, "exp": int(issuer.clock()) + LIFETIME}
    return keyring_of(issuer).sign(algorithm, claims)
