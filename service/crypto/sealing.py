"""Sealing: our encryption by AES-256-GCM (NIST SP 800-38D); sealed content begins with its nonce."""

import zlib
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64Error
from collections.abc import Iterable
from hashlib import sha512

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from service.crypto.key_material import PrivateKey, UnusableKeyError, read_file
from service.protocol.credentials import Randomness, base64url
from service.settings import Settings

NONCE_BYTES = 12
_SHA256 = SHA256()
_TOKEN, _KEYS, _REQUESTS = b"mintmark sealed reply 1", b"mintmark signing keys 1", b"mintmark authorization requests 1"
"""The purposes that keys are derived for."""
_NEXT_TOKEN = b"mintmark sealed reply 2"


# sealing under a token


def seal(content: bytes, token: str, nonce: bytes, bound_to: bytes = b"") -> bytes:
    """Seal a response so that only the holder of the token can open it (P2).

    The key is derived from the token, expanding only: the token holds 256 random bits, a strong key already (RFC 5869
    section 3.3). Redis has only the hash of the token, so a reader of Redis cannot open the response.

    Args:
        content: The response.
        token: The token that opens it.
        nonce: 12 random bytes.
        bound_to: Data that has to be given to open it, in addition to the token.
    """
    return _seal(_token_key(token), content, nonce, _TOKEN + bound_to)


def unseal(sealed: bytes, token: str, bound_to: bytes = b"") -> bytes | None:
    """Return the content; None where ``token`` or ``bound_to`` differ, or the bytes were changed."""
    content = _unseal(_token_key(token), sealed, _TOKEN + bound_to)
    return _unseal(_next_token_key(token), sealed, _NEXT_TOKEN + bound_to) if content is None else content


def _token_key(token: str) -> AESGCM:
    return AESGCM(HKDFExpand(_SHA256, 32, _TOKEN).derive(token.encode("ascii")))


def _next_token_key(token: str) -> AESGCM:
    """Return the key that the release after this one may seal with, once none runs that cannot open it.

    One hash is as good for a key of 256 random bits as HKDF, and spares 4 % of a refresh. Redis has no hash with this prefix.
    """
    return AESGCM(sha512(_NEXT_TOKEN + token.encode("ascii")).digest()[:32])


# sealing under secrets of the settings


class _DerivedKeys:
    """Keys that HKDF-SHA256 (RFC 5869) derives from secrets, each with a name that reveals nothing about it.

    The first key seals, and every key opens, so that a rotation ends nothing.
    """

    def __init__(self, secrets: Iterable[bytes], purpose: bytes, name_bytes: int) -> None:
        derived = [HKDF(_SHA256, 32 + name_bytes, salt=None, info=purpose).derive(secret) for secret in secrets]
        self._keys = {both[32:]: AESGCM(both[:32]) for both in derived}
        self.current = next(iter(self._keys), b"")

    def seal(self, content: bytes, nonce: bytes, about: bytes) -> bytes:
        return _seal(self._keys[self.current], content, nonce, about)

    def unseal(self, name: bytes, sealed: bytes, about: bytes) -> bytes | None:
        key = self._keys.get(name)
        return None if key is None else _unseal(key, sealed, about)


def shared_secrets(settings: Settings) -> list[bytes]:
    """Return the secrets from which every process of an issuer derives keys; the first one is for new content.

    These are the master keys, or the signing keys in files where there is no master key. Raises UnusableKeyError.
    """
    if settings.master_keys:
        return [key.encode() for key in settings.master_keys]
    return [_der(key) for path in settings.signing_key_files for key in read_file(path)]


class RequestSealing:
    """Seals authorization requests, which the browser keeps until the user has signed in.

    The keys are derived from ``shared_secrets``. Without one nothing can be sealed.
    """

    def __init__(self, secrets: Iterable[bytes], randomness: Randomness) -> None:
        self._keys = _DerivedKeys(secrets, _REQUESTS, 6)
        self._randomness = randomness

    @classmethod
    def of(cls, settings: Settings, randomness: Randomness) -> "RequestSealing":
        """Make one from the settings. Raises UnusableKeyError."""
        return cls(shared_secrets(settings), randomness)

    def seal(self, content: bytes) -> str:
        """Return base64url of key name, nonce and ciphertext of the compressed content; "" where there is no key."""
        if not self._keys.current:
            return ""
        sealed = self._keys.seal(zlib.compress(content), self._randomness(NONCE_BYTES), _REQUESTS)
        return base64url(self._keys.current + sealed)

    def unseal(self, text: str) -> bytes | None:
        """Return the content; None where no key of ours sealed it, or it was changed."""
        try:
            data = _decoded(text)
        except (NotBase64Error, ValueError):
            return None
        if base64url(data) != text:  # the text identifies the request, so it must not have a second spelling
            return None
        content = self._keys.unseal(data[:6], data[6:], _REQUESTS)
        return None if content is None else zlib.decompress(content)


class Sealing:
    """Seals private keys and secrets of clients under the master keys; a record names the key that sealed it (``current``)."""

    def __init__(self, master_keys: tuple[str, ...]) -> None:
        self._keys = _DerivedKeys((key.encode() for key in master_keys), _KEYS, 8)
        self.current = base64url(self._keys.current)

    def seal(self, key: PrivateKey, about: str, randomness: Randomness) -> str:
        """Seal a private key. The ciphertext opens only with the same ``about``, which names what it belongs to."""
        return self._seal(_der(key), about, randomness)

    def seal_text(self, text: str, about: str, randomness: Randomness) -> str:
        """Seal a secret, likewise."""
        return self._seal(text.encode(), f"text {about}", randomness)

    def unseal_text(self, sealed: str, sealed_under: str, about: str) -> str:
        """Open a sealed secret. Raises UnusableKeyError where no master key of ours opens it."""
        text = self._unseal(sealed, sealed_under, f"text {about}")
        if text is None:
            raise UnusableKeyError("it was encrypted under another master key")
        return text.decode()

    def unseal(self, sealed: str, sealed_under: str, about: str) -> PrivateKey:
        """Open a sealed private key. Raises UnusableKeyError where no master key of ours opens it."""
        der = self._unseal(sealed, sealed_under, about)
        if der is None:
            raise UnusableKeyError(
                "the signing keys in Redis were encrypted under another master key: give that one in master_key, too "
                "(after the new one), or delete their record (the key …{signing}:keys) and let everybody sign in again"
            )
        # We made this key and AES-GCM proves that it is unchanged: to check its primes again would take 70 ms a key.
        return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)  # type: ignore[return-value]

    def _seal(self, plain: bytes, about: str, randomness: Randomness) -> str:
        return base64url(self._keys.seal(plain, randomness(NONCE_BYTES), about.encode()))

    def _unseal(self, sealed: str, sealed_under: str, about: str) -> bytes | None:
        try:
            return self._keys.unseal(_decoded(sealed_under), _decoded(sealed), about.encode())
        except ValueError:
            return None


# encryption


def _seal(key: AESGCM, content: bytes, nonce: bytes, about: bytes) -> bytes:
    return nonce + key.encrypt(nonce, content, about)


def _unseal(key: AESGCM, sealed: bytes, about: bytes) -> bytes | None:
    """Return the content; None where it was sealed by another key or about something else, or was changed."""
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        return None


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _der(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
