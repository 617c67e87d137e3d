"""DPoP proofs (RFC 9449): JWTs by which a client shows that it holds a key, verified by that key itself.

The caller checks whether a proof was used before and whether its nonce is ours. Resource servers use `guard/`.
"""

from collections.abc import Collection, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple, TypeGuard

import msgspec
import orjson

from service.concurrency.batches import WorkBatch
from service.crypto.client_keys import ALGORITHMS, fits, parsed_key
from service.crypto.jws import SKEW, UnverifiableError, decoded
from service.crypto.key_material import is_signed, thumbprint
from service.protocol.credentials import base64url
from service.protocol.target_uris import is_same_target
from service.store.bounded_cache import BoundedCache

HEADER = "DPoP"
"""The header of requests."""
NONCE_HEADER = "DPoP-Nonce"
"""The header of responses."""
MAX_PROOF = 4096
"""The most characters of a proof: enough for an RSA key of 4096 bits."""
MAX_JTI = 255
AHEAD = 30
"""Seconds by which the clock of a client may be ahead of ours."""
_TYPE = "dpop+jwt"
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of private and symmetric keys (RFC 7518 section 6)."""
_CACHED, _CACHED_BYTES, _KEY_BYTES = 4096, 16 * 1024 * 1024, 2048


class DpopProof(msgspec.Struct, frozen=True):
    """A proof whose signature and claims are valid for this request."""

    jkt: str
    """Thumbprint of its key (RFC 9449 section 6.1)."""
    jti: str
    issued_at: float
    """Epoch seconds by the client's clock, see ``check_age``."""
    nonce: str
    """"" where it has none."""
    algorithm: str
    """The algorithm of its signature, as RSA keys have several."""
    claims: Mapping[str, Any]


class _Key(NamedTuple):
    """The key and the algorithm in the header of a proof."""

    algorithm: str
    key: object
    jkt: str


class DpopProofs:
    """A verifier of proofs. A client sends the same header with each, so the keys of recent headers are cached."""

    def __init__(self) -> None:
        self._keys: BoundedCache[_Key] = BoundedCache(_CACHED, _CACHED_BYTES)
        self._verifying = WorkBatch()

    async def verify(
        self,
        text: str,
        *,
        method: str,
        url: str,
        other_url: str = "",
        access_token: str = "",
        algorithms: Collection[str],
    ) -> DpopProof:
        """Verify a proof except for its age, its nonce and whether it was used before (RFC 9449 section 4.3).

        Args:
            text: The value of the one DPoP header.
            method: HTTP method of the request.
            url: Target URI of the request; a query is ignored.
            other_url: A second URI of the same endpoint, "" for none.
            access_token: The access token in the request, "" for none.
            algorithms: The accepted signature algorithms, all of them asymmetric.

        Raises:
            UnverifiableError: The proof is not valid for this request; the text says why.
        """
        if len(text) > MAX_PROOF or not text.isascii():
            raise UnverifiableError(f"it is no JWT of at most {MAX_PROOF} characters")
        signing_input, _, signature = text.rpartition(".")
        head, _, body = signing_input.partition(".")
        try:
            key = self._keys.get(head) or _read_header(decoded(head.encode()))
            claims = orjson.loads(decoded(body.encode()))
            raw_signature = decoded(signature.encode())
        except ValueError as error:
            raise UnverifiableError("it is not a signed JWT") from error
        if key.algorithm not in algorithms:
            raise UnverifiableError(f"it is signed with {key.algorithm}, not with {' or '.join(algorithms)}")
        proof = _read_claims(claims, key, method, (url, other_url), access_token)
        check = partial(is_signed, key.algorithm, key.key, signing_input.encode(), raw_signature)
        if not await self._verifying.do(check):
            raise UnverifiableError("its signature does not hold by its own key")
        if self._keys.get(head) is None:
            self._keys.put(head, key, _KEY_BYTES + len(head))
        else:
            self._keys.renew(head)
        return proof


def check_age(proof: DpopProof, now: float, lifetime: int) -> int:
    """Return the epoch second at which a proof expires, ``lifetime`` seconds after its ``iat``.

    Raises UnverifiableError where it has expired, or its ``iat`` is in the future.
    """
    if proof.issued_at > now + AHEAD:
        raise UnverifiableError("iat is in the future: the clocks differ")
    if proof.issued_at < now - lifetime:
        raise UnverifiableError(f"iat is more than {lifetime} seconds ago")
    return end_by_iat(proof, lifetime)


def check_times(proof: DpopProof, now: float) -> None:
    """Check exp and nbf, which hold where they are present, also with a nonce (RFC 7519 sections 4.1.4 and 4.1.5).

    Raises UnverifiableError.
    """
    expires, begins = proof.claims.get("exp", now), proof.claims.get("nbf", now)
    if not (_is_number(expires) and _is_number(begins) and expires >= now - SKEW and begins <= now + AHEAD):
        raise UnverifiableError("it has expired (exp), or is not good yet (nbf)")


def end_by_iat(proof: DpopProof, lifetime: int) -> int:
    """Return the epoch second at which a proof expires by its ``iat``, which may be any time."""
    return int(proof.issued_at) + lifetime + 1


def access_token_hash(access_token: str) -> str:
    """Return the value of ``ath`` for an access token (RFC 9449 section 4.2)."""
    return base64url(sha256(access_token.encode()).digest())


def _read_header(raw: bytes) -> _Key:
    """Read the header of a proof. Raises UnverifiableError, and ValueError where it is no JSON."""
    header = orjson.loads(raw)
    if not isinstance(header, dict) or "crit" in header or "b64" in header:
        raise UnverifiableError("its header asks for what is not supported here")
    if str(header.get("typ", "")).lower() != _TYPE:
        raise UnverifiableError(f"its typ is not {_TYPE}")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if algorithm not in ALGORITHMS:  # none and HMACs, above all
        raise UnverifiableError(f"its alg is none of {', '.join(ALGORITHMS)}")
    if not isinstance(jwk, dict):
        raise UnverifiableError("its header has no jwk")
    if not _PRIVATE.isdisjoint(jwk):
        raise UnverifiableError("its jwk holds a private key: that key must not be used any more")
    key = parsed_key(jwk)
    if key is None or not fits(key, algorithm) or jwk.get("use", "sig") != "sig":
        raise UnverifiableError("its jwk is no public key for its alg")
    return _Key(algorithm, key.key, thumbprint(key.key, algorithm))


def _read_claims(claims: object, key: _Key, method: str, urls: tuple[str, str], access_token: str) -> DpopProof:
    """Read the claims, and check that they are for this request. Raises UnverifiableError."""
    if not isinstance(claims, dict):
        raise UnverifiableError("its payload is not a JSON object")
    jti, htu, issued_at, nonce = claims.get("jti"), claims.get("htu"), claims.get("iat"), claims.get("nonce")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise UnverifiableError(f"jti must be a text of 1 to {MAX_JTI} characters")
    if not _is_number(issued_at):
        raise UnverifiableError("iat must be a number")
    if claims.get("htm") != method:
        raise UnverifiableError(f"htm is not {method}")
    is_meant = htu == urls[0] != "" or (isinstance(htu, str) and any(is_same_target(htu, url) for url in urls if url))
    if not is_meant:
        raise UnverifiableError(f"htu is not {urls[0].partition('?')[0]}")
    if nonce is not None and not isinstance(nonce, str):
        raise UnverifiableError("nonce must be a text")
    if access_token and claims.get("ath") != access_token_hash(access_token):
        raise UnverifiableError("ath is not the hash of the access token")
    return DpopProof(key.jkt, jti, issued_at, nonce or "", key.algorithm, claims)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
