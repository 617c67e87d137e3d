"""Sealing a response so that only who presents the right token can open it (P2).

AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 derives from the token, expanding only: the token holds 256
random bits, a strong key already (RFC 5869 section 3.3). We keep the token's hash only, so what lies in Redis is of no
use to whoever reads Redis.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

NONCE_BYTES = 12
_PURPOSE = b"mintmark sealed reply 1"


def seal(content: bytes, token: str, nonce: bytes) -> bytes:
    """``nonce`` (12 random bytes) followed by the ciphertext."""
    return nonce + AESGCM(_key(token)).encrypt(nonce, content, _PURPOSE)


def unseal(sealed: bytes, token: str) -> bytes | None:
    """The content; None where the token is not the one it was sealed for, or the bytes were changed."""
    try:
        return AESGCM(_key(token)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _PURPOSE)
    except (InvalidTag, ValueError):
        return None


def _key(token: str) -> bytes:
    return HKDFExpand(SHA256(), length=32, info=_PURPOSE).derive(token.encode("ascii"))
