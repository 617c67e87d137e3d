"""The authorities that make certificates of clients (RFC 8705 section 2.1), and whether one of them made this certificate.

OpenSSL says so (by pyOpenSSL), as it does wherever else TLS ends. It takes its time to load: only who needs it imports this.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto

from service.crypto.client_certificates import UnusableCertificateError
from service.crypto.watched_files import WatchedFiles

_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


class ClientAuthorities:
    """The authorities whose certificates clients authenticate by, read again when their file changes."""

    def __init__(self, path: Path) -> None:
        """Read them. Raises OSError, ValueError."""
        self._files = WatchedFiles((path,), lambda: _store_of(path.read_bytes()))

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
        except ValueError as error:
            raise UnusableCertificateError("its purposes cannot be read") from error
        if purposes is not None and not _PURPOSES & set(purposes):
            raise UnusableCertificateError("it is not for clients (extended key usage)")
        store = self._files.current
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


def _store_of(pem: bytes) -> crypto.X509Store:
    store = crypto.X509Store()
    for one in x509.load_pem_x509_certificates(pem):
        store.add_cert(crypto.X509.from_cryptography(one))
    return store
