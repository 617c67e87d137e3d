"""Key material: generated, read from files, turned into JWKs, used for signatures."""

import json
import stat
from collections.abc import Callable
from functools import partial
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
)
from jwt.algorithms import Algorithm, get_default_algorithms

from service.protocol.credentials import base64url
from service.protocol.names import KeyManagement, SigningAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Signer = Callable[[bytes], bytes]
"""The JWS Signing Input → the signature."""

_ALGORITHMS = get_default_algorithms()
_ECDSA: dict[str, tuple[Callable[[bytes], Any], ec.ECDSA, int]] = {
    SigningAlgorithm.ES256: (sha256, ec.ECDSA(Prehashed(SHA256())), 32),
    SigningAlgorithm.ES384: (sha384, ec.ECDSA(Prehashed(SHA384())), 48),
}
"""The hash, the scheme for it, and the bytes of each half of a signature (RFC 7518 section 3.4)."""
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""The members that a thumbprint is made of (RFC 7638 section 3.2, RFC 8037 section 2)."""
_RSA = (SigningAlgorithm.RS256, SigningAlgorithm.PS256, KeyManagement.RSA_OAEP, KeyManagement.RSA_OAEP_256)


class UnusableKeyError(ValueError):
    """A key that cannot be used: the text says which and why."""


def algorithm_object(algorithm: str) -> Algorithm:
    """Return PyJWT's implementation of a signature algorithm."""
    return _ALGORITHMS[algorithm]


def signer(algorithm: SigningAlgorithm, key: PrivateKey) -> Signer:
    """Return what signs the input of a JWS (RFC 7518 section 3); ECDSA as in PyJWT, but with objects that are made once.

    Raises:
        UnusableKeyError: The key is on another curve than the algorithm's.
    """
    if algorithm not in _ECDSA or not isinstance(key, ec.EllipticCurvePrivateKey):
        return partial(algorithm_object(algorithm.value).sign, key=key)
    hashed, scheme, size = _ECDSA[algorithm]
    if key.key_size != 8 * size:
        raise UnusableKeyError(f"{algorithm} does not sign with a key on the curve {key.curve.name}")
    return lambda signing_input: _halves(key.sign(hashed(signing_input).digest(), scheme), size)


def _halves(der: bytes, size: int) -> bytes:
    """Return both integers of an ECDSA signature with ``size`` bytes each (RFC 7518 section 3.4).

    OpenSSL writes them as a DER sequence: each has a tag, a length in one byte, and its bytes, without leading zeros but for
    one that keeps it from being negative. To make numbers of them, and bytes of these, costs 2 % of a signature.
    """
    end = 4 + der[3]
    return der[4:end][-size:].rjust(size, b"\0") + der[end + 2 :][-size:].rjust(size, b"\0")


def is_signed(algorithm: str, key: object, signing_input: bytes, signature: bytes) -> bool:
    """Whether this public key, or this secret, made the signature of a JWS."""
    if algorithm not in _ECDSA or not isinstance(key, ec.EllipticCurvePublicKey):
        try:
            return bool(algorithm_object(algorithm).verify(signing_input, key, signature))
        except (jwt.PyJWTError, ValueError, TypeError):
            return False
    hashed, scheme, size = _ECDSA[algorithm]
    if len(signature) != 2 * size:
        return False
    halves = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(encode_dss_signature(*halves), hashed(signing_input).digest(), scheme)
    except InvalidSignature:
        return False
    return True


def generate(algorithm: str, rsa_bits: int) -> PrivateKey:
    """Generate a key for a SigningAlgorithm or a KeyManagement. RSA takes some tenths of a second: call it on a thread."""
    if algorithm in _RSA:
        return rsa.generate_private_key(65537, rsa_bits)
    if algorithm == SigningAlgorithm.EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if algorithm == SigningAlgorithm.ES384 else ec.SECP256R1())


def algorithms_of(key: PrivateKey) -> tuple[SigningAlgorithm, ...]:
    """Return the algorithms that a key can sign with. Raises UnusableKeyError."""
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < 2048:
            raise UnusableKeyError(f"an RSA key of {key.key_size} bits is too short: 2048 or more")
        return (SigningAlgorithm.RS256, SigningAlgorithm.PS256)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return (SigningAlgorithm.EDDSA,)
    curves = {"secp256r1": SigningAlgorithm.ES256, "secp384r1": SigningAlgorithm.ES384}
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in curves:
        return (curves[key.curve.name],)
    raise UnusableKeyError("only RSA, P-256, P-384 and Ed25519 keys can sign")


def public_jwk(key: PrivateKey, algorithm: str, *, shared: bool = False) -> dict[str, Any]:
    """Return the public JWK with ``kid`` (its thumbprint, RFC 7638), ``use`` and ``alg``; ``shared`` keys have a second one."""
    bare = _bare_jwk(key.public_key(), algorithm)
    kid = f"{_thumbprint(bare)}-{algorithm}" if shared else _thumbprint(bare)
    return {**bare, "kid": kid, "use": "sig", "alg": str(algorithm)}


def encryption_jwk(key: PrivateKey, algorithm: str) -> dict[str, Any]:
    """Return the public JWK of a key that others encrypt to, by this KeyManagement alone."""
    bare = _bare_jwk(key.public_key(), "RS256" if algorithm in _RSA else "ES256")
    return {**bare, "kid": _thumbprint(bare), "use": "enc", "alg": str(algorithm)}


def thumbprint(key: object, algorithm: str) -> str:
    """Return the SHA-256 thumbprint of a public key that verifies this algorithm (RFC 7638), base64url."""
    return _thumbprint(_bare_jwk(key, algorithm))


def _bare_jwk(key: object, algorithm: str) -> dict[str, str]:
    members: dict[str, str] = json.loads(algorithm_object(algorithm).to_jwk(key))
    return {name: members[name] for name in _REQUIRED[members["kty"]]}


def _thumbprint(bare: dict[str, str]) -> str:
    return base64url(sha256(json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()).digest())


def read_file(path: Path) -> list[PrivateKey]:
    """Return the private keys in a PEM, JWK or JWK set file. Raises UnusableKeyError."""
    try:
        text = path.read_bytes()
        if text.lstrip()[:1] != b"{":
            return [load_pem_private_key(text, None)]  # type: ignore[list-item]
        members = json.loads(text)
        return [jwt.PyJWK(member).key for member in members.get("keys", [members])]
    except OSError as error:
        raise UnusableKeyError(f"signing_key_files: {path}: {error.strerror}") from error
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise UnusableKeyError(f"signing_key_files: {path}: {error}") from error


def is_readable_by_others(path: Path) -> bool:
    """Whether all users of this machine can read the file."""
    return bool(path.stat().st_mode & stat.S_IROTH)
