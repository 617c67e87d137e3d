"""Certificates of clients: their names and keys, and whether they may be used now (RFC 8705)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.protocol.certificate_names import comparable_email
from service.protocol.credentials import base64url
from service.protocol.distinguished_names import DistinguishedName, name_of

MAX_CERTIFICATE = 16_384
"""The most bytes of a certificate."""
RSA_BITS = 2048
"""The fewest bits of an RSA key; shorter ones are too weak."""


class UnusableCertificateError(ValueError):
    """The certificate proves nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The names in a certificate, each in the one spelling in which they are compared."""

    subject: DistinguishedName = ()
    dns: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()
    ips: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()


def thumbprint(certificate: bytes) -> str:
    """Return the ``x5t#S256`` of a certificate in DER (RFC 8705 section 3.1)."""
    return base64url(sha256(certificate).digest())


def opened(certificate: bytes, now: float) -> x509.Certificate:
    """Read a certificate that is valid now; its issuer is not checked.

    Args:
        certificate: In DER.
        now: Epoch seconds.

    Raises:
        UnusableCertificateError: It is no certificate, is not valid yet or has expired, or its key is too weak.
    """
    if len(certificate) > MAX_CERTIFICATE:
        raise UnusableCertificateError(f"it has more than {MAX_CERTIFICATE} bytes")
    at = datetime.fromtimestamp(now, UTC)
    try:
        found = x509.load_der_x509_certificate(certificate)
        begins, ends, key = found.not_valid_before_utc, found.not_valid_after_utc, found.public_key()
    except Exception as error:
        raise UnusableCertificateError("it is no certificate that can be read") from error
    if at < begins:
        raise UnusableCertificateError("it is not valid yet")
    if at > ends:
        raise UnusableCertificateError("it has expired")
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        raise UnusableCertificateError(f"its RSA key has fewer than {RSA_BITS} bits")
    return found


def public_key_in(certificate: bytes) -> object:
    """Return the key of a certificate in DER, whatever its validity period. Raises UnusableCertificateError."""
    try:
        return x509.load_der_x509_certificate(certificate).public_key()
    except Exception as error:
        raise UnusableCertificateError("it is no certificate that can be read") from error


def names_in(certificate: x509.Certificate) -> CertificateNames:
    """Return the names in a certificate. Raises UnusableCertificateError."""
    try:
        subject = tuple(
            name_of((one.oid.dotted_string, _text(one.value)) for one in part) for part in certificate.subject.rdns
        )
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return CertificateNames(subject)
    except Exception as error:
        raise UnusableCertificateError("its names cannot be read") from error
    return CertificateNames(
        subject,
        dns=frozenset(one.lower() for one in found.get_values_for_type(x509.DNSName)),
        uris=frozenset(found.get_values_for_type(x509.UniformResourceIdentifier)),
        ips=frozenset(str(one) for one in found.get_values_for_type(x509.IPAddress)),
        emails=frozenset(comparable_email(one) for one in found.get_values_for_type(x509.RFC822Name)),
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else f"#{value.hex()}"
