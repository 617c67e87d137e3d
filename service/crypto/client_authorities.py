"""The authorities that make certificates of clients (RFC 8705 section 2.1), and whether one of them made this certificate.

OpenSSL says so (by pyOpenSSL), as it does wherever else TLS ends. It takes its time to load: only who needs it imports this.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto

from service.crypto.client_certificates import CertificateNames, UnusableCertificateError, names_in
from service.crypto.watched_files import WatchedFiles
from service.protocol.forwarded_certificates import ClientCertificate
from service.store.bounded_cache import BoundedCache

_AGAIN_AFTER = 60.0
"""Seconds for which a certificate that was verified is not verified again; whether it is in time is looked at each time."""
_CACHED, _CACHED_BYTES = 1000, 4 * 1024 * 1024
"""Certificates that a process remembers so, and how much of them."""
_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


class _Verified(NamedTuple):
    """A certificate that an authority has made."""

    authorities: tuple[crypto.X509, ...]
    """As they were then."""
    at: float
    """Epoch seconds."""
    names: CertificateNames


class ClientAuthorities:
    """The authorities whose certificates clients authenticate by, read again when their file changes."""

    def __init__(self, path: Path) -> None:
        """Read them. Raises OSError, ValueError."""
        self._files = WatchedFiles((path,), lambda: _read(path))
        self._verified: BoundedCache[_Verified] = BoundedCache(_CACHED, _CACHED_BYTES)

    def names_in(self, shown: ClientCertificate, certificate: x509.Certificate, now: float) -> CertificateNames:
        """Whom a certificate is about that an authority made, for a client.

        Args:
            shown: As it came.
            certificate: The same, opened.
            now: Epoch seconds.

        Raises:
            UnusableCertificateError: None did, it is for another purpose, or its names cannot be read.
        """
        key = sha256(b"".join((shown.certificate, *shown.chain))).hexdigest()
        held, authorities = self._verified.get(key), self._files.current
        if held is None or held.authorities is not authorities or not held.at <= now < held.at + _AGAIN_AFTER:
            self.verify(certificate, shown.chain, now)
            held = _Verified(authorities, now, names_in(certificate))
            self._verified.put(key, held, len(shown.certificate))
        return held.names

    def verify(self, certificate: x509.Certificate, chain: Iterable[bytes], now: float) -> None:
        """Check that an authority made a certificate, for a client (RFC 5280 section 6).

        Args:
            certificate: The client's.
            chain: What came with it, in DER: looked at as far as it leads to an authority.
            now: Epoch seconds.

        Raises:
            UnusableCertificateError: None did, or it is for another purpose.
        """
        try:
            purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            purposes = None
        except Exception as error:
            raise UnusableCertificateError("its purposes cannot be read") from error
        if purposes is not None and not _PURPOSES & set(purposes):
            raise UnusableCertificateError("it is not for clients (extended key usage)")
        store = crypto.X509Store()  # a new one each time: of several times that are set the first one counts
        for authority in self._files.current:
            store.add_cert(authority)
        store.set_time(datetime.fromtimestamp(now, UTC))
        try:
            between = [crypto.load_certificate(crypto.FILETYPE_ASN1, one) for one in chain]
            crypto.X509StoreContext(store, crypto.X509.from_cryptography(certificate), between).verify_certificate()
        except crypto.X509StoreContextError as error:
            raise UnusableCertificateError(f"no authority of client_ca_file made it: {error}") from error
        except crypto.Error as error:
            raise UnusableCertificateError("what came with it cannot be read") from error


@lru_cache(maxsize=4)
def authorities_at(path: Path) -> ClientAuthorities:
    """The authorities in this file. Raises OSError, ValueError."""
    return ClientAuthorities(path)


def _read(path: Path) -> tuple[crypto.X509, ...]:
    """Raises OSError, ValueError."""
    return tuple(map(crypto.X509.from_cryptography, x509.load_pem_x509_certificates(path.read_bytes())))
