"""Certificates of clients at a resource server (RFC 8705 section 3): the check that a token's sender holds the one it names."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mintmark_guard.dpop import SentRequest
from mintmark_guard.forwarded_certificates import FORMS, forwarded
from mintmark_guard.jws import RSA_BITS, base64url
from mintmark_guard.verdict import Refused

MEMBER = "x5t#S256"
"""The member of the claim ``cnf`` for the hash of a certificate."""
_MAX_CERTIFICATE = 16_384
"""The most bytes of a certificate."""


@dataclass(frozen=True, kw_only=True)
class CertificatePolicy:
    """The source of client certificates: the API's own TLS listener, or a trusted proxy.

    Either must request certificates in TLS, and let self-signed ones pass if clients have such.
    """

    forwarded: str = "off"
    """The format of the header: off, rfc9440, nginx, envoy or traefik, as ``forwarded_certificate`` of Mintmark."""
    header: str = ""
    """The name of the header, where it is not the usual one of the format."""
    trusted_proxies: Collection[str] = ()
    """Networks (CIDR) of the proxies. The header counts from these only, and their own certificates never count."""

    def __post_init__(self) -> None:
        """Check that the values go together. Raises ValueError."""
        if self.forwarded != "off" and self.forwarded not in FORMS:
            raise ValueError(f"forwarded: there are off, {', '.join(FORMS)}")
        if not self._networks and self.forwarded != "off":
            raise ValueError("forwarded: needs trusted_proxies")

    @cached_property
    def _networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)

    def check(self, claims: Mapping[str, object], sent: SentRequest, now: float) -> None:
        """Check that the sender holds the certificate that a token names.

        Args:
            claims: Of the token, or the introspection response.
            sent: The request.
            now: Epoch seconds.

        Raises:
            Refused: The token names a certificate, and the sender has none, another one, or one that is not valid now.
        """
        bound = claims.get("cnf")
        if not isinstance(bound, Mapping) or MEMBER not in bound:
            return
        certificate = self._certificate_of(sent)
        if certificate is None:
            raise Refused(401, "invalid_token", "The access token is bound to a certificate: show it in TLS.")
        if fault := _fault_of(certificate, now):
            raise Refused(401, "invalid_token", f"The client certificate cannot be used: {fault}.")
        if base64url(sha256(certificate).digest()) != bound[MEMBER]:
            raise Refused(401, "invalid_token", "The access token is bound to another certificate.")

    def _certificate_of(self, sent: SentRequest) -> bytes | None:
        address = _address_of(sent.peer.partition("%")[0])
        if address is None or not any(address in network for network in self._networks):
            return sent.certificate
        if self.forwarded == "off":
            return None
        try:
            found = forwarded(self.forwarded, self.header, lambda name: _values(sent.headers, name))
        except ValueError as error:
            raise Refused(400, "invalid_request", f"The client certificate cannot be read: {error}.") from error
        return found.certificate if found else None


def _values(headers: Iterable[tuple[str, str]], name: str) -> list[str]:
    return [value for one, value in headers if one.lower() == name.lower()]


def _address_of(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _fault_of(certificate: bytes, now: float) -> str:
    """Return why a certificate in DER cannot be used now, "" where it can. Its issuer is not checked."""
    if len(certificate) > _MAX_CERTIFICATE:
        return f"it has more than {_MAX_CERTIFICATE} bytes"
    try:
        found = x509.load_der_x509_certificate(certificate)
        begins, ends, key = found.not_valid_before_utc, found.not_valid_after_utc, found.public_key()
    except Exception:  # noqa: BLE001 (input from outside may break the parser in any way)
        return "it is no certificate that can be read"
    at = datetime.fromtimestamp(now, UTC)
    if not begins <= at <= ends:
        return "it is not valid yet" if at < begins else "it has expired"
    return "its RSA key is too short" if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS[0] else ""
