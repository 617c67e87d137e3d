"""TLS of our listeners: certificates are read again when they change, and clients may send any certificate."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

from service.crypto.watched_files import WatchedFiles
from service.settings import Settings, SettingsError

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The ciphers of TLS 1.2: only those with forward secrecy and authenticated encryption (RFC 9325 section 4.2)."""


class ListenerContext(ssl.SSLContext):
    """A context that uses the current content of its files for each new connection."""

    _files: WatchedFiles[ssl.SSLContext]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection."""
        current = self._files.current
        return current.wrap_bio(incoming, outgoing, server_side=True)


def tls_of(settings: Settings, *, asks_clients: bool) -> ssl.SSLContext | None:
    """Return the TLS context of a public listener, None without TLS. Raises SettingsError for invalid files.

    With ``asks_clients`` it asks for a certificate without requiring one, and accepts any: the service checks it where it
    is used.
    """
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if certificate is None or key is None:
        return None
    make = _takes_any if asks_clients else _without_client_certificates
    return _context("tls_certificate_file, tls_key_file", (certificate, key), lambda: make(certificate, key))


def operators_tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context of the operators' listener, None without TLS. Raises SettingsError for invalid files.

    A client certificate is verified, but not required, as probes have none.
    """
    certificate, key, authority = (
        settings.admin_certificate_file,
        settings.admin_key_file,
        settings.admin_client_ca_file,
    )
    if certificate is None or key is None:
        return None

    def make() -> ssl.SSLContext:
        context = _without_client_certificates(certificate, key)
        if authority is not None:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    files = (certificate, key, *([authority] if authority else ()))
    return _context("admin_certificate_file, admin_key_file, admin_client_ca_file", files, make)


def check_client_authorities(settings: Settings) -> None:
    """Check ``client_ca_file``, if it is set, before a client needs it. Raises SettingsError."""
    if settings.client_ca_file is None:
        return
    from service.crypto.client_authorities import authorities_at

    try:
        authorities_at(settings.client_ca_file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"client_ca_file: {error}") from error


def _context(names: str, files: tuple[Path, ...], make: Callable[[], ssl.SSLContext]) -> ListenerContext:
    context = ListenerContext(ssl.PROTOCOL_TLS_SERVER)
    if unreadable := [str(file) for file in files if not os.access(file, os.R_OK)]:
        raise SettingsError(f"{names}: cannot be read: {', '.join(unreadable)}")
    try:
        context._files = WatchedFiles(files, make)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{names}: {error}") from error
    return context


def _without_client_certificates(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate, key)
    return context


def _takes_any(certificate: Path, key: Path) -> ssl.SSLContext:
    from service.fronts.any_certificate import AnyCertificate  # imported here, as pyOpenSSL loads slowly

    return AnyCertificate(certificate, key)
