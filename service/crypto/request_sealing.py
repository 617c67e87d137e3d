"""Sealing what a browser keeps for us: an authorization request, until the user has signed in.

AES-256-GCM (NIST SP 800-38D) under keys that HKDF-SHA256 (RFC 5869) derives from the master keys, or from the signing keys in
files where there is no master key: whatever every process of an issuer has. The first seals, all of them open, so that a
rotation ends nothing. Without either nothing can be sealed.
"""

import zlib
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64Error
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.crypto.key_material import read_file
from service.protocol.credentials import Randomness, base64url
from service.settings import Settings

_PURPOSE = b"mintmark authorization requests 1"
_NAME_BYTES, _NONCE_BYTES = 6, 12


class RequestSealing:
    """``secrets``: what the keys are derived from, the one that seals first."""

    def __init__(self, secrets: Iterable[bytes], randomness: Randomness) -> None:
        self._keys = dict(map(_derived, secrets))
        self._current = next(iter(self._keys), b"")
        self._randomness = randomness

    @classmethod
    def of(cls, settings: Settings, randomness: Randomness) -> "RequestSealing":
        """With the master keys, or else the signing keys in files. Raises UnusableKeyError."""
        secrets = [key.encode() for key in settings.master_keys]
        if not secrets:
            secrets = [
                key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
                for path in settings.signing_key_files
                for key in read_file(path)
            ]
        return cls(secrets, randomness)

    def seal(self, content: bytes) -> str:
        """base64url of key name, nonce and ciphertext of the compressed content; "" where there is no key."""
        if not self._current:
            return ""
        nonce = self._randomness(_NONCE_BYTES)
        sealed = self._keys[self._current].encrypt(nonce, zlib.compress(content), _PURPOSE)
        return base64url(self._current + nonce + sealed)

    def unseal(self, text: str) -> bytes | None:
        """The content; None where no key of ours sealed it, or it was changed."""
        try:
            data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if base64url(data) != text:  # what happened to a request is known by this text: it has no second spelling
                return None
            name, nonce, sealed = (
                data[:_NAME_BYTES],
                data[_NAME_BYTES:][:_NONCE_BYTES],
                data[_NAME_BYTES + _NONCE_BYTES :],
            )
            return zlib.decompress(self._keys[name].decrypt(nonce, sealed, _PURPOSE))
        except (InvalidTag, KeyError, NotBase64Error, ValueError):
            return None


def _derived(secret: bytes) -> tuple[bytes, AESGCM]:
    """A name that tells nothing of the key, and the key itself."""
    both = HKDF(SHA256(), 32 + _NAME_BYTES, salt=None, info=_PURPOSE).derive(secret)
    return both[32:], AESGCM(both[:32])
