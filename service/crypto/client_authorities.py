"""The authorities that issue certificates of clients (RFC 8705 section 2.1), and the check that one of them issued one.

OpenSSL verifies them (by pyOpenSSL), as in other servers that terminate TLS. It loads slowly: import this only where needed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto

from service.crypto.client_certificates import RSA_BITS, CertificateNames, UnusableCertificateError, names_in
from service.crypto.watched_files import WatchedFiles
from service.protocol.forwarded_certificates import ClientCertificate
from service.store.bounded_cache import BoundedCache

_AGAIN_AFTER = 60.0
"""Seconds for which a verified certificate is not verified again; its validity period is checked each time."""
_CACHED, _CACHED_BYTES = 1000, 4 * 1024 * 1024
"""The most verified certificates that a process remembers, and the most bytes of them."""
_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_BROKEN = (MD5, SHA1)
"""Broken hashes, for which two certificates with one signature can be found."""


class _Verified(NamedTuple):
    """A certificate that an authority has issued."""

    authorities: tuple[crypto.X509, ...]
    """The authorities at that time."""
    at: float
    """When it was verified, in epoch seconds."""
    names: CertificateNames


class ClientAuthorities:
    """The authorities whose certificates clients authenticate by, read again when their file changes."""

    def __init__(self, path: Path) -> None:
        """Read them. Raises OSError, ValueError."""
        self._files = WatchedFiles((path,), lambda: _read(path))
        self._verified: BoundedCache[_Verified] = BoundedCache(_CACHED, _CACHED_BYTES)

    def names_in(self, presented: ClientCertificate, certificate: x509.Certificate, now: float) -> CertificateNames:
        """Verify that an authority issued a certificate for a client, and return the names in it.

        Args:
            presented: The certificate as received.
            certificate: The same, parsed.
            now: Epoch seconds.

        Raises:
            UnusableCertificateError: No authority issued it, it is for another purpose, or its names cannot be read.
        """
        key = sha256(b"".join((presented.certificate, *presented.chain))).hexdigest()
        held, authorities = self._verified.get(key), self._files.current
        if held is None or held.authorities is not authorities or not held.at <= now < held.at + _AGAIN_AFTER:
            self.verify(certificate, presented.chain, now)
            held = _Verified(authorities, now, names_in(certificate))
            self._verified.put(key, held, len(presented.certificate))
        return held.names

    def verify(self, certificate: x509.Certificate, chain: Iterable[bytes], now: float) -> None:
        """Check that an authority issued a certificate for a client (RFC 5280 section 6).

        Args:
            certificate: The client's certificate.
            chain: The certificates that came with it, in DER; used as far as they lead to an authority.
            now: Epoch seconds.

        Raises:
            UnusableCertificateError: No authority issued it, or one of the chain is for another purpose or too weak.
        """
        if not _is_for_clients(certificate):
            raise UnusableCertificateError("it is not for clients (extended key usage)")
        store = crypto.X509Store()  # a new one each time, as only the first set_time of a store counts
        for authority in self._files.current:
            store.add_cert(authority)
        store.set_time(datetime.fromtimestamp(now, UTC))
        try:
            between = [crypto.load_certificate(crypto.FILETYPE_ASN1, one) for one in chain]
            context = crypto.X509StoreContext(store, crypto.X509.from_cryptography(certificate), between)
            links = context.get_verified_chain()
        except crypto.X509StoreContextError as error:
            raise UnusableCertificateError(f"no authority of client_ca_file made it: {error}") from error
        except crypto.Error as error:
            raise UnusableCertificateError("what came with it cannot be read") from error
        _check_links(links)


@lru_cache(maxsize=4)
def authorities_at(path: Path) -> ClientAuthorities:
    """Return the authorities in this file. Raises OSError, ValueError."""
    return ClientAuthorities(path)


def _check_links(links: Sequence[crypto.X509]) -> None:
    """Check what OpenSSL leaves out without a purpose and a security level.

    Args:
        links: The client's certificate, the intermediate ones, the root. The root is trusted for its key alone, whatever its
            extensions and its signature are (RFC 5280 section 6.1.1 d).

    Raises:
        UnusableCertificateError: One is for another purpose, signed by a hash that can be forged, or its key is too weak.
    """
    try:
        found = [link.to_cryptography() for link in links]
        hashes_used = [one.signature_hash_algorithm for one in found[:-1]]
        keys = [one.public_key() for one in found]
    except Exception as error:
        raise UnusableCertificateError("a certificate of its chain cannot be read") from error
    if any(isinstance(one, _BROKEN) for one in hashes_used):
        raise UnusableCertificateError("a certificate of its chain is signed with SHA-1 or MD5")
    if any(isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS for key in keys):
        raise UnusableCertificateError(f"an RSA key of its chain has fewer than {RSA_BITS} bits")
    if not all(map(_is_for_clients, found[1:-1])):
        raise UnusableCertificateError("an authority between makes none for clients (extended key usage)")


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Whether a certificate is for clients by its extended key usage, or names no purpose.

    The extended key usage of an authority limits the certificates that it issues. Raises UnusableCertificateError.
    """
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except Exception as error:
        raise UnusableCertificateError("its purposes cannot be read") from error
    return not _PURPOSES.isdisjoint(purposes)


def _read(path: Path) -> tuple[crypto.X509, ...]:
    """Read the authorities from a file. Raises OSError, ValueError."""
    return tuple(map(crypto.X509.from_cryptography, x509.load_pem_x509_certificates(path.read_bytes())))
