"""Certificate-bound access tokens (RFC 8705 section 3): they are valid only with the TLS certificate that got them."""

from collections.abc import Mapping

from service.crypto.client_certificates import UnusableCertificateError, opened, thumbprint
from service.issuer import Issuer
from service.protocol.binding import Binding
from service.protocol.errors import InvalidRequest
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.binding.key_proof import NO_KEY, KeyProof, Possession


async def _bind(issuer: Issuer, _: Client, request: Request) -> Possession:
    """Return the binding to the certificate. Raises InvalidRequest where the request has no valid one."""
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
    """Return the certificate of a request with a token; none if it is not valid, as the token may need none."""
    if request.certificate is None:
        return NO_KEY
    try:
        return _held(issuer, request)
    except UnusableCertificateError:
        return NO_KEY


def _held(issuer: Issuer, request: Request) -> Possession:
    """Return the certificate of a request. Raises UnusableCertificateError."""
    if request.certificate is None:
        return NO_KEY
    certificate = request.certificate.certificate
    opened(certificate, issuer.clock())
    return Possession(Binding(x5t_s256=thumbprint(certificate)))


def _concerns(client: Client, _: Request) -> bool:
    """Bind only the tokens of a client that is registered for it."""
    return client.tls_client_certificate_bound_access_tokens


def _metadata(issuer: Issuer) -> Mapping[str, object]:
    is_on = issuer.settings.takes_client_certificates
    return {"tls_client_certificate_bound_access_tokens": True} if is_on else {}


KEY_PROOF = KeyProof(name="certificate", bind=_bind, show=_show, concerns=_concerns, metadata=_metadata)
