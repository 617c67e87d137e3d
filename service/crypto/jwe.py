"""Encryption to one client (JWE, RFC 7516) by joserfc, with the client's public encryption key or its secret."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.registry import HeaderParameter

from service.crypto.incoming_jwe import symmetric_key
from service.protocol.names import ContentEncryption, KeyManagement

_MEMBERS = ("kty", "crv", "x", "y", "n", "e")
"""The members of a JWK that encryption uses (RFC 7518 section 6), none of them private."""
_CURVES = frozenset({"P-256", "P-384", "P-521", "X25519"})
_RSA_BITS = range(2048, 4097)
"""Bits of RSA keys: shorter ones are too weak (RFC 7518 section 4.3), longer ones take too much CPU time."""
_RSA_MODULUS = range(342, 684)
"""The same in characters of base64url, as joserfc would warn of shorter ones."""
_RSA_EXPONENT = 65537
"""The largest RSA exponent."""
_LONGEST = 683
"""The most characters of a valid member: longer ones are not cached, as unknown clients may send them."""
_CLAIMS = {"iss": HeaderParameter("Issuer", "str")}
"""Claims that may be replicated in a header (RFC 7519 section 5.3)."""


class EncryptionKey(NamedTuple):
    """A client's key, with the members of its JWK; "" where it does not have them."""

    key: RSAKey | ECKey | OKPKey | OctKey
    kid: str
    use: str
    algorithm: str

    def fits(self, algorithm: KeyManagement) -> bool:
        """Whether this algorithm may encrypt to the key."""
        return isinstance(self.key, RSAKey) == algorithm.is_rsa and self.algorithm in ("", algorithm.value)


def key_for(members: Sequence[Mapping[str, Any]], algorithm: KeyManagement) -> EncryptionKey | None:
    """Return the key of a JWK set to encrypt to: the first one for encryption, else the first one for any use.

    Other keys are skipped (RFC 7517 section 5).
    """
    read = (_read(member) for member in members)
    fitting = [key for key in read if key is not None and key.fits(algorithm)]
    return next((key for key in fitting if key.use), next(iter(fitting), None))


def shared_key(secret: str, algorithm: KeyManagement, encryption: ContentEncryption) -> EncryptionKey:
    """Return the symmetric key made of a client's secret."""
    return EncryptionKey(OctKey.import_key(symmetric_key(secret, algorithm, encryption)), "", "", "")


def encrypt(
    content: bytes, key: EncryptionKey, algorithm: KeyManagement, encryption: ContentEncryption, iss: str = ""
) -> str:
    """Encrypt a JWT (``cty`` JWT, RFC 7519 section 5.2), or claims as JSON, as a compact JWE.

    ``iss`` is the issuer in its header, "" for none (RFC 7519 section 5.3).
    """
    header = {"alg": algorithm.value, "enc": encryption.value, "typ": "JWT"}
    if content[:1] != b"{":
        header["cty"] = "JWT"
    if key.kid:
        header["kid"] = key.kid
    if iss:
        header["iss"] = iss
    registry = jwe.JWERegistry(_CLAIMS, algorithms=[algorithm.value, encryption.value])
    sealed: str = jwe.encrypt_compact(header, content, key.key, registry=registry)
    return sealed


def _read(member: Mapping[str, Any]) -> EncryptionKey | None:
    said = {name: member.get(name, "") for name in ("kid", "use", "alg")}
    known = {name: member[name] for name in _MEMBERS if name in member}
    if said["use"] not in ("", "enc") or not all(isinstance(value, str) for value in (*said.values(), *known.values())):
        return None
    if any(len(text) > _LONGEST for text in known.values()):
        return None
    key = _imported(tuple(known.items()))
    return None if key is None else EncryptionKey(key, said["kid"], said["use"], said["alg"])


@lru_cache(maxsize=1024)
def _imported(members: tuple[tuple[str, str], ...]) -> RSAKey | ECKey | OKPKey | None:
    """Return the key, None where it is not usable for encryption; recent ones are cached."""
    try:
        key = _made(dict(members))
        if key is not None:
            _try(key)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key


def _try(key: RSAKey | ECKey | OKPKey) -> None:
    """Encrypt a sample, as a point of small order can be read, but no key can be agreed with it (RFC 7748 section 6.1)."""
    algorithm = KeyManagement.RSA_OAEP_256 if isinstance(key, RSAKey) else KeyManagement.ECDH_ES
    encrypt(b"{}", EncryptionKey(key, "", "", ""), algorithm, ContentEncryption.A128CBC_HS256)


def _made(known: dict[str, str]) -> RSAKey | ECKey | OKPKey | None:
    """Make the key of its members. Raises the errors of joserfc and cryptography for a faulty one."""
    match known.get("kty"), known.get("crv"):
        case "RSA", _ if len(known.get("n", "")) in _RSA_MODULUS:
            key = RSAKey.import_key(known)
            public = key.public_key
            return key if public.key_size in _RSA_BITS and public.public_numbers().e <= _RSA_EXPONENT else None
        case "EC", curve if curve in _CURVES:
            ec = ECKey.import_key(known)
            return ec if ec.public_key else None  # making it checks that the point is on the curve
        case "OKP", "X25519":
            okp = OKPKey.import_key(known)
            return okp if okp.public_key else None
        case _:
            return None
