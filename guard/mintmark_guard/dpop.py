"""DPoP at a resource server (RFC 9449 section 7): whether the sender of a token holds the key that it is bound to."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

from mintmark_guard.dpop_nonces import DpopNonces
from mintmark_guard.dpop_proofs import HEADER, NONCE_HEADER, check_age, verify_proof
from mintmark_guard.jws import UnverifiableError
from mintmark_guard.verdict import Refused

SCHEME = "dpop"


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopPolicy:
    """What an API takes as DPoP proofs."""

    required: bool = False
    """Whether tokens that are bound to no key are refused."""
    public_url: str = ""
    """What clients call this API by, up to its paths; "" = scheme and host of the guard's audience, where that is a URL."""
    trust_host: bool = False
    """Believe the Host header instead: only where something before the API refuses every other host, since the sender of a
    request writes it, and a proof for another API would be one for this."""
    algorithms: Collection[str] = ("ES256", "PS256", "EdDSA", "ES384")
    """Signing algorithms of proofs."""
    proof_lifetime: int = 120
    """Seconds since its iat within which a proof is taken. With nonces the clock of the client does not matter."""
    nonce_secret: str = field(default="", repr=False)
    """Of all processes of this API: proofs need a nonce that is derived from it; "" = none."""
    nonce_lifetime: int = 300
    """Seconds until there is a new nonce; the one before it is taken for as long again."""
    remembered: int = 100_000
    """How many proofs a process remembers, so that each counts once there."""

    @property
    def metadata(self) -> dict[str, object]:
        """What the API says of it (RFC 9728 section 2)."""
        taken = {"dpop_signing_alg_values_supported": list(self.algorithms)}
        return taken | ({"dpop_bound_access_tokens_required": True} if self.required else {})


class SentRequest(NamedTuple):
    """What a proof is for."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    """Names in any case, and those that come twice twice."""
    peer: str = ""
    """IP address at the other end of the connection."""
    certificate: bytes | None = None
    """What the other end has shown in TLS, in DER."""

    def __repr__(self) -> str:
        """Without headers, which hold a credential, and without a query."""
        return f"<SentRequest {self.method} {self.url.partition('?')[0]}>"


class KeyCheck:
    """Checks the proofs of one process. ``audience``: of the guard. Epoch seconds are handed in with each check."""

    def __init__(self, policy: DpopPolicy, audience: str = "") -> None:
        self.policy = policy
        self._url = policy.public_url.rstrip("/") or ("" if policy.trust_host else _origin(audience))
        self._nonces = DpopNonces(policy.nonce_secret, policy.nonce_lifetime) if policy.nonce_secret else None
        self._used = UsedProofs(policy.remembered)

    def headers(self, now: float) -> dict[str, str]:
        """What every answer of the API carries, so that no request has to be repeated for a nonce (section 8.2)."""
        return {} if self._nonces is None else {NONCE_HEADER: self._nonces.current(now)}

    def check(self, scheme: str, token: str, claims: Mapping[str, object], sent: SentRequest, now: float) -> None:
        """Check that who sent a token holds its key.

        Args:
            scheme: Of the Authorization header, in lower case.
            token: As it was sent.
            claims: Of the token, or what introspection said.
            sent: The request.
            now: Epoch seconds.

        Raises:
            Refused: It is bound to a key that is not proved, or in a way that nobody here can check (401).
        """
        bound = claims.get("cnf") or {}
        jkt = bound.get("jkt") if isinstance(bound, Mapping) else None
        if not isinstance(bound, Mapping) or set(bound) - {"jkt", "x5t#S256"}:
            raise Refused(401, "invalid_token", "The access token is bound to what this API cannot check.")
        if jkt is None:
            if self.policy.required or scheme == SCHEME:
                raise Refused(
                    401, "invalid_token", "The access token is bound to no key: ask for one with a DPoP proof."
                )
            return
        if scheme != SCHEME:
            raise Refused(401, "invalid_token", "The access token is bound to a key: send it as DPoP, with a proof.")
        try:
            self._prove(jkt, token, sent, now)
        except UnverifiableError as error:
            raise Refused(401, "invalid_dpop_proof", f"The DPoP proof cannot be used: {error}.") from error

    def _prove(self, jkt: object, token: str, sent: SentRequest, now: float) -> None:
        """Verify that a proof is by this key, and used for the first time here. Raises UnverifiableError, Refused."""
        written = [value for name, value in sent.headers if name.lower() == HEADER.lower()]
        if len(written) != 1:
            raise UnverifiableError("there must be one DPoP header")
        proof = verify_proof(
            written[0],
            method=sent.method,
            url=self._target(sent.url),
            access_token=token,
            algorithms=self.policy.algorithms,
        )
        if self._nonces is None:
            ends_at: int | None = check_age(proof, now, self.policy.proof_lifetime)
        else:
            ends_at = self._nonces.end_of(proof.nonce, now)
        if ends_at is None:
            raise Refused(401, "use_dpop_nonce", "The DPoP proof needs the nonce of the DPoP-Nonce header.")
        if proof.jkt != jkt:  # first: what is of no use to anybody is not remembered
            raise Refused(401, "invalid_token", "The access token is bound to another key.")
        if not self._used.is_first_use(f"{proof.jkt}\0{proof.jti}", ends_at, now):
            raise UnverifiableError("it was used before")

    @property
    def knows_its_url(self) -> bool:
        """Whether there is anything to compare proofs with."""
        return bool(self._url) or self.policy.trust_host

    def _target(self, url: str) -> str:
        """What a proof has to be for. Raises UnverifiableError."""
        if not self.knows_its_url:
            raise UnverifiableError("the URL by which clients call this API is not set (public_url)")
        if not self._url:
            return url
        try:
            return self._url + urlsplit(url).path
        except ValueError as error:  # a Host such as "["
            raise UnverifiableError("the request is for no URL") from error


def _origin(audience: str) -> str:
    """Scheme and host of an audience, "" where it is no URL of a host."""
    try:
        found = urlsplit(audience)
    except ValueError:
        return ""
    return f"{found.scheme}://{found.netloc}" if found.scheme in ("https", "http") and found.netloc else ""


class UsedProofs:
    """The proofs that were used last, by a hash, until each would be too old anyway."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._ends: OrderedDict[bytes, int] = OrderedDict()

    def is_first_use(self, name: str, ends_at: int, now: float) -> bool:
        """Whether this is not remembered; from now on it is. Beyond the bound the oldest are forgotten."""
        digest = sha256(name.encode("utf-8", "surrogatepass")).digest()[:16]
        with self._lock:  # threads of a WSGI server
            if self._ends.get(digest, 0) > now:
                return False
            while self._ends and (len(self._ends) >= self._most or next(iter(self._ends.values())) <= now):
                self._ends.popitem(last=False)
            self._ends[digest] = ends_at
            return True

    def __len__(self) -> int:
        return len(self._ends)
