"""TLS of the public listeners, and the certificates of clients (RFC 8705), from TLS or from a proxy."""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from service.protocol.addresses import check_issuer
from service.settings.group import SettingsGroup, checked_by

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


def _check_header(name: str) -> None:
    if name and not _HEADER.fullmatch(name):
        raise ValueError("must be the name of a header: letters, digits and dashes")


def _check_url(url: str) -> None:
    check_issuer(url)
    if urlsplit(url).scheme != "https":
        raise ValueError("must be an https URL: clients show certificates in TLS")


class TlsSettings(SettingsGroup):
    """TLS and certificates of clients."""

    tls_certificate_file: Path | None = None
    """Certificate of the listeners at port and mtls_port (PEM, with its chain): they then speak TLS. Read again when it
    changes."""
    tls_key_file: Path | None = None
    """Private key of tls_certificate_file (PEM). Read again when it changes."""
    mtls_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port of a listener that asks clients for a certificate in TLS, demands none, and takes any, self-signed ones included.
    The same as port: clients are asked there, and browsers may ask their users. Not set: no client is asked."""
    mtls_url: Annotated[str, checked_by(_check_url)] | None = None
    """Base URL of the endpoints where clients are asked for a certificate, at mtls_port or at a proxy: discovery names them in
    mtls_endpoint_aliases (RFC 8705 section 5)."""
    client_ca_file: Path | None = None
    """Certificate authorities, intermediate ones included (PEM), whose certificates clients authenticate by (tls_client_auth),
    however a certificate comes. Read again when it changes. Not set: no client can."""
    forwarded_certificate: Literal["off", "rfc9440", "nginx", "envoy", "traefik"] = "off"
    """How trusted proxies forward the certificate of a client's TLS connection: off; rfc9440 (headers Client-Cert and
    Client-Cert-Chain); nginx ($ssl_client_escaped_cert in ssl-client-cert); envoy (X-Forwarded-Client-Cert with Cert);
    traefik (X-Forwarded-Tls-Client-Cert)."""
    forwarded_certificate_header: Annotated[str, checked_by(_check_header)] = ""
    """Name of the header in which proxies forward it, where that is not the usual one of forwarded_certificate."""

    @cached_property
    def takes_client_certificates(self) -> bool:
        """Whether clients can present a certificate at all."""
        return self.mtls_port is not None or self.forwarded_certificate != "off"


def certificate_faults(settings: TlsSettings) -> Iterator[str]:
    """Yield settings that miss another one, or have no effect alone."""
    if (settings.tls_certificate_file is None) != (settings.tls_key_file is None):
        yield "tls_certificate_file and tls_key_file go together"
    if settings.mtls_port is not None and settings.tls_certificate_file is None:
        yield "mtls_port: needs tls_certificate_file and tls_key_file, for client certificates are a part of TLS"
    if settings.forwarded_certificate_header and settings.forwarded_certificate == "off":
        yield "forwarded_certificate_header: goes with forwarded_certificate"
    if settings.mtls_url is not None and not settings.takes_client_certificates:
        yield "mtls_url: no client can show a certificate: set mtls_port, or forwarded_certificate"
