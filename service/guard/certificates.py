"""Certificates of clients at a resource server (RFC 8705 section 3): whether the sender of a token showed the one it names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

from service.crypto.client_certificates import UnusableCertificateError, opened, thumbprint
from service.guard.dpop import SentRequest
from service.guard.verdict import Refused
from service.protocol.addresses import address_of
from service.protocol.forwarded_certificates import FORMS, forwarded

MEMBER = "x5t#S256"
"""Of the claim ``cnf``."""


@dataclass(frozen=True, kw_only=True)
class CertificatePolicy:
    """Where an API has the certificates of its clients from: its own TLS listener, or a proxy that it trusts.

    The API or its proxy asks for certificates in TLS, and lets self-signed ones pass where clients have such.
    """

    forwarded: str = "off"
    """How trusted proxies forward it: off, rfc9440, nginx, envoy or traefik, as ``forwarded_certificate`` of the service."""
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
        try:
            opened(certificate, now)
        except UnusableCertificateError as error:
            raise Refused(401, "invalid_token", f"The client certificate cannot be used: {error}.") from error
        if thumbprint(certificate) != bound[MEMBER]:
            raise Refused(401, "invalid_token", "The access token is bound to another certificate.")

    def _certificate_of(self, sent: SentRequest) -> bytes | None:
        address = address_of(sent.peer.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if address is None or not any(address in network for network in self._networks):
            return sent.certificate
        if self.forwarded == "off":
            return None
        try:
            found = forwarded(self.forwarded, self.header, lambda name: _values(sent.headers, name))
        except ValueError as error:
            raise Refused(400, "invalid_request", f"The client certificate cannot be read: {error}.") from error
        return found.certificate if found else None


def _values(headers: Mapping[str, str], name: str) -> list[str]:
    return [value for one, value in headers.items() if one.lower() == name.lower()]
