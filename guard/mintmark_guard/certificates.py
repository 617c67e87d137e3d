"""Certificates of clients at a resource server (RFC 8705 section 3): whether the sender of a token showed the one it names."""

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
"""Of the claim ``cnf``."""
_MAX_CERTIFICATE = 16_384
"""Bytes."""


@dataclass(frozen=True, kw_only=True)
class CertificatePolicy:
    """Where an API has the certificates of its clients from: its own TLS listener, or a proxy that it trusts.

    The API or its proxy asks for certificates in TLS, and lets self-signed ones pass where clients have such.
    """

    forwarded: str = "off"
    """How trusted proxies forward it: off, rfc9440, nginx, envoy or traefik, as ``forwarded_certificate`` of Mintmark."""
    header: str = ""
    """Name of the header, where that is not the usual one."""
    trusted_proxies: Collection[str] = ()
    """Networks (CIDR) of the proxies; nobody else is believed, and their own certificates are not those of clients."""

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be meant."""
        if self.forwarded != "off" and self.forwarded not in FORMS:
            raise ValueError(f"forwarded: there are off, {', '.join(FORMS)}")
        if not self._networks and self.forwarded != "off":
            raise ValueError("forwarded: needs trusted_proxies")

    @cached_property
    def _networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)

    def check(self, claims: Mapping[str, object], sent: SentRequest, now: float) -> None:
        """Check that the certificate that a token names was shown.

        Args:
            claims: Of the token, or what introspection said.
            sent: The request.
            now: Epoch seconds.

        Raises:
            Refused: It names one, and none was shown, or another, or one that is not good now.
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
    """Say why a certificate in DER proves nothing now, "" where it does; who made it is not looked at."""
    if len(certificate) > _MAX_CERTIFICATE:
        return f"it has more than {_MAX_CERTIFICATE} bytes"
    try:
        found = x509.load_der_x509_certificate(certificate)
        begins, ends, key = found.not_valid_before_utc, found.not_valid_after_utc, found.public_key()
    except Exception:  # noqa: BLE001 (what others have made may break the parser in any way)
        return "it is no certificate that can be read"
    at = datetime.fromtimestamp(now, UTC)
    if not begins <= at <= ends:
        return "it is not valid yet" if at < begins else "it has expired"
    return "its RSA key is too short" if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS[0] else ""
