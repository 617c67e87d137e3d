"""self_signed_tls_client_auth: a certificate that is registered with a key of the client (RFC 8705 section 2.2).

Its issuer does not matter: the client has proved in TLS that it holds the key.
"""

from service.client_auth.certificate import can_show_certificates, certificate_of
from service.client_auth.evidence import ClientEvidence, EvidenceKind
from service.client_auth.method import HOLDS, Method, Proof
from service.crypto.client_certificates import thumbprint
from service.crypto.client_keys import key_source
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.errors import InvalidClient
from service.records.client import Client


async def verify(issuer: Issuer, client: Client, evidence: ClientEvidence) -> Proof | None:
    """Verify the certificate. Raises InvalidClient, saying what is wrong with it."""
    presented, _ = certificate_of(issuer, evidence.request)
    try:
        if await issuer.client_keys.has_certificate(key_source(client), thumbprint(presented.certificate)):
            return HOLDS
    except UnverifiableError as error:
        raise InvalidClient(f"The client certificate cannot be compared: {error}", log=str(error)) from error
    raise InvalidClient("The client certificate is none of those that are registered (x5c in jwks or jwks_uri).")


METHOD = Method(
    name="self_signed_tls_client_auth",
    accepts=frozenset({EvidenceKind.CLIENT_ID}),
    verify=verify,
    has_secret=False,
    help="Shows a TLS certificate that its key set names (x5c), self-signed or not: no authority is needed.",
    is_on=can_show_certificates,
)
