"""Assertions as evidence: shared by client_secret_jwt and private_key_jwt (RFC 7521 section 4.2, RFC 7523 section 2.2)."""

from service.client_auth.evidence import ClientEvidence, unusable
from service.client_auth.method import Proof
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.errors import InvalidClient
from service.records.client import Client
from service.tokens import assertions


async def verify_assertion(issuer: Issuer, client: Client, evidence: ClientEvidence) -> Proof | None:
    """Verify the assertion. Raises InvalidClient, saying what is wrong with it."""
    if evidence.assertion is None:
        return None
    try:
        check = await assertions.verify_client_assertion(issuer, client, evidence.assertion, evidence.request)
    except UnverifiableError as error:
        raise InvalidClient(unusable(error), log=str(error)) from error
    return Proof((check,))
