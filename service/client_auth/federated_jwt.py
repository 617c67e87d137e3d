"""federated_jwt: a token that the workload's own platform gave it (Kubernetes, GitHub, GitLab, SPIFFE, clouds); no secret.

In form it is private_key_jwt (RFC 7523 section 2.2), but another issuer signed it: one that is trusted here for
``client-authentication``. The client's registration names that issuer and the exact subject. Platforms make a token for
minutes or hours, and workloads use it until it ends: there is no replay check, so only TLS protects it.
"""

from collections.abc import Mapping

from service.client_auth.evidence import ClientEvidence, EvidenceKind, unusable
from service.client_auth.method import HOLDS, Method, Proof
from service.crypto.client_keys import ALGORITHMS
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.errors import InvalidClient
from service.protocol.names import TrustUse
from service.protocol.required_claims import has_claim, parse_required_claim
from service.records.client import Client
from service.tokens import assertions
from service.tokens.assertions import UnverifiedAssertion
from service.tokens.trusted_issuers import trusted_issuer_of, verify_by_issuer


async def verify(issuer: Issuer, client: Client, evidence: ClientEvidence) -> Proof | None:
    """Verify the token by the keys of the registered issuer. Raises InvalidClient, saying what is wrong with it."""
    if evidence.assertion is None:
        return None
    try:
        _check_names(client, evidence.assertion)
        trusted = await trusted_issuer_of(issuer, client, evidence.assertion, TrustUse.CLIENT_AUTHENTICATION)
        _check_algorithm(issuer, client, evidence.assertion)
        claims = (await verify_by_issuer(issuer, trusted, evidence.assertion)).claims
        names = (issuer.url, trusted.audience) if trusted.audience else (issuer.url,)
        assertions.check_reusable(issuer, claims, names)
        _check_claims(client, claims)
    except UnverifiableError as error:
        raise InvalidClient(unusable(error), log=str(error)) from error
    return HOLDS


def _check_names(client: Client, assertion: UnverifiedAssertion) -> None:
    """Check the registered issuer and subject, before anything is fetched. Raises UnverifiableError."""
    if client.federated_issuer is None or assertion.issuer != client.federated_issuer:
        raise UnverifiableError("its issuer is not the one that the client is registered with")
    if client.federated_subject is None or assertion.subject != client.federated_subject:
        raise UnverifiableError("its sub is not the one that the client is registered with")


def _check_algorithm(issuer: Issuer, client: Client, assertion: UnverifiedAssertion) -> None:
    """Check that client and profile allow the signature algorithm. Raises UnverifiableError."""
    allowed = issuer.demands_on(client).algorithms
    registered = client.token_endpoint_auth_signing_alg
    if (registered or assertion.algorithm) != assertion.algorithm or assertion.algorithm not in (allowed or ALGORITHMS):
        raise UnverifiableError(f"it is signed with {assertion.algorithm}, which the client may not use")


def _check_claims(client: Client, claims: Mapping[str, object]) -> None:
    """Check the claims that the registration demands. Raises UnverifiableError."""
    for text in client.federated_claims:
        path, value = parse_required_claim(text)
        if not has_claim(claims, path, value):
            raise UnverifiableError(f"it does not have the claim that the client is registered with: {'/'.join(path)}")


METHOD = Method(
    name="federated_jwt",
    accepts=frozenset({EvidenceKind.SIGNED_ASSERTION}),
    verify=verify,
    has_secret=False,
    help="Sends the token that its platform gave it: Kubernetes, GitHub or GitLab CI, SPIFFE, a cloud. Nothing to keep here.",
    registered_name="private_key_jwt",
)
