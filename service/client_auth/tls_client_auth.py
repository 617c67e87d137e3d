"""tls_client_auth: a certificate of a trusted authority for the registered name (RFC 8705 section 2.1)."""

from collections.abc import Callable

from service.client_auth.certificate import can_show_certificates, certificate_of
from service.client_auth.evidence import ClientEvidence, EvidenceKind
from service.client_auth.method import HOLDS, Method, Proof
from service.crypto.client_certificates import CertificateNames, UnusableCertificateError
from service.issuer import Issuer
from service.protocol.distinguished_names import parse_dn
from service.protocol.errors import InvalidClient
from service.records.client import Client

_NAMED: tuple[Callable[[Client, CertificateNames], bool | None], ...] = (
    lambda client, names: _is(client.tls_client_auth_subject_dn, lambda text: parse_dn(text) == names.subject),
    lambda client, names: _is(client.tls_client_auth_san_dns, names.dns.__contains__),
    lambda client, names: _is(client.tls_client_auth_san_uri, names.uris.__contains__),
    lambda client, names: _is(client.tls_client_auth_san_ip, names.ips.__contains__),
    lambda client, names: _is(client.tls_client_auth_san_email, names.emails.__contains__),
)
"""Whether the certificate has the name of one member of the registration; None where that is not registered."""


def _is(registered: str | None, is_in_certificate: Callable[[str], bool]) -> bool | None:
    return None if registered is None else is_in_certificate(registered)


async def verify(issuer: Issuer, client: Client, evidence: ClientEvidence) -> Proof | None:
    """Verify the certificate. Raises InvalidClient, saying what is wrong with it."""
    from service.crypto.client_authorities import authorities_at  # loads pyOpenSSL, which takes time

    presented, certificate = certificate_of(issuer, evidence.request)
    if issuer.settings.client_ca_file is None:
        raise InvalidClient(
            "No authority for certificates of clients is trusted here.", log="client_ca_file is not set"
        )
    try:
        authorities = authorities_at(issuer.settings.client_ca_file)
        names = authorities.names_in(presented, certificate, issuer.clock())
    except UnusableCertificateError as error:
        raise InvalidClient(f"The client certificate cannot be used: {error}") from error
    found = [named for is_named in _NAMED if (named := is_named(client, names)) is not None]
    if found != [True]:  # exactly one is registered
        raise InvalidClient("The client certificate is not the one that is registered: its names differ.")
    return HOLDS


METHOD = Method(
    name="tls_client_auth",
    accepts=frozenset({EvidenceKind.CLIENT_ID}),
    verify=verify,
    has_secret=False,
    help="Shows a TLS certificate of an authority that is trusted here (client_ca_file), with the registered name in it.",
    is_on=lambda issuer: can_show_certificates(issuer) and issuer.settings.client_ca_file is not None,
)
