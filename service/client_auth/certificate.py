"""The certificate in a request as evidence: shared by tls_client_auth and self_signed_tls_client_auth (RFC 8705 section 2)."""

from cryptography.x509 import Certificate

from service.crypto.client_certificates import UnusableCertificateError, opened
from service.issuer import Issuer
from service.protocol.errors import InvalidClient
from service.protocol.forwarded_certificates import ClientCertificate
from service.protocol.request import Request


def certificate_of(issuer: Issuer, request: Request) -> tuple[ClientCertificate, Certificate]:
    """Return the certificate as it came, and read. Raises InvalidClient where there is none that is valid now."""
    presented = request.certificate
    if presented is None:
        raise InvalidClient("The client must show its certificate in TLS.", log="no client certificate")
    try:
        return presented, opened(presented.certificate, issuer.clock())
    except UnusableCertificateError as error:
        raise InvalidClient(f"The client certificate cannot be used: {error}") from error


def can_show_certificates(issuer: Issuer) -> bool:
    """Whether certificates of clients reach us, by TLS or by a proxy."""
    return issuer.settings.takes_client_certificates
