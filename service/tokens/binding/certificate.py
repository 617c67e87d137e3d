"""Certificate-bound access tokens (RFC 8705 section 3): worth nothing without the TLS certificate that got them."""

from collections.abc import Mapping

from service.crypto.client_certificates import UnusableCertificateError, opened, thumbprint
from service.issuer import Issuer
from service.protocol.binding import Binding
from service.protocol.errors import InvalidRequest
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.binding.key_proof import NO_KEY, KeyProof, Possession


async def _bind(issuer: Issuer, _: Client, request: Request) -> Possession:
    """Raises InvalidRequest where no good certificate is shown."""
    if request.certificate is None:
        raise InvalidRequest(
            "The client's access tokens are bound to its certificate: it must show one in TLS.",
            log="no client certificate to bind the access token to",
        )
    try:
        return _held(issuer, request)
    except UnusableCertificateError as error:
        raise InvalidRequest(f"The client certificate cannot be used: {error}") from error


async def _show(issuer: Issuer, request: Request, _: str) -> Possession:
    """What is shown beside a token; of a certificate that is not good nothing, for the token may need none."""
    if request.certificate is None:
        return NO_KEY
    try:
        return _held(issuer, request)
    except UnusableCertificateError:
        return NO_KEY


def _held(issuer: Issuer, request: Request) -> Possession:
    """Raises UnusableCertificateError."""
    if request.certificate is None:
        return NO_KEY
    certificate = request.certificate.certificate
    opened(certificate, issuer.clock())
    return Possession(Binding(x5t_s256=thumbprint(certificate)))


def _concerns(client: Client, _: Request) -> bool:
    """Only the tokens of a client that is registered so are bound."""
    return client.tls_client_certificate_bound_access_tokens


def _metadata(issuer: Issuer) -> Mapping[str, object]:
    is_on = issuer.settings.takes_client_certificates
    return {"tls_client_certificate_bound_access_tokens": True} if is_on else {}


KEY_PROOF = KeyProof(name="certificate", bind=_bind, show=_show, concerns=_concerns, metadata=_metadata)
