"""Sealing a response so that only who presents the right token can open it (P2).

AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 derives from the token, expanding only: the token holds 256
random bits, a strong key already (RFC 5869 section 3.3). We keep the token's hash only, so what lies in Redis is of no
use to whoever reads Redis.
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
_PURPOSE = b"mintmark sealed reply 1"


def seal(content: bytes, token: str, nonce: bytes, asked: bytes = b"") -> bytes:
    """``nonce`` (12 random bytes) followed by the ciphertext. ``asked``: what has to be said to open it, beside the token."""
    return nonce + AESGCM(_key(token)).encrypt(nonce, content, _PURPOSE + asked)


def unseal(sealed: bytes, token: str, asked: bytes = b"") -> bytes | None:
    """The content; None where token or ``asked`` are not those that it was sealed for, or the bytes were changed."""
    try:
        return AESGCM(_key(token)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _PURPOSE + asked)
    except (InvalidTag, ValueError):
        return None


def _key(token: str) -> bytes:
    """The first block of HKDF-Expand, which is all of 32 bytes (RFC 5869 section 2.3)."""
    return hmac.digest(token.encode("ascii"), _PURPOSE + b"\x01", "sha256")
