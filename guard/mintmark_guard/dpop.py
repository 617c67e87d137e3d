"""DPoP at a resource server (RFC 9449 section 7): the check that a token's sender holds the key that it is bound to."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

from mintmark_guard.dpop_nonces import DpopNonces
from mintmark_guard.dpop_proofs import HEADER, NONCE_HEADER, check_age, check_times, verify_proof
from mintmark_guard.jws import UnverifiableError
from mintmark_guard.verdict import Refused

SCHEME = "dpop"


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopPolicy:
    """The requirements of an API for DPoP proofs."""

    required: bool = False
    """Whether tokens without a bound key are refused."""
    public_url: str = ""
    """The URL of this API without its paths; "" = scheme and host of the guard's audience, where that is a URL."""
    trust_host: bool = False
    """Whether to take the host from the Host header instead. Set it only if a proxy refuses every other host: the sender of
    a request writes that header, so a proof for another API would be accepted here."""
    algorithms: Collection[str] = ("ES256", "PS256", "EdDSA", "ES384")
    """Accepted signing algorithms of proofs."""
    proof_lifetime: int = 120
    """The most seconds since the iat of a proof. With nonces the clock of the client does not matter."""
    nonce_secret: str = field(default="", repr=False)
    """The secret that nonces are derived from, the same in all processes of this API; "" = proofs need no nonce."""
    nonce_lifetime: int = 300
    """Seconds until there is a new nonce; the old one is accepted for as long again."""
    remembered: int = 100_000
    """The most proofs that a process remembers, so that each is accepted there only once."""

    @property
    def metadata(self) -> dict[str, object]:
        """The members of the API's metadata about DPoP (RFC 9728 section 2)."""
        taken = {"dpop_signing_alg_values_supported": list(self.algorithms)}
        return taken | ({"dpop_bound_access_tokens_required": True} if self.required else {})


class SentRequest(NamedTuple):
    """The parts of a request that the guard checks."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    """Names in any case; a repeated header is there as often as it was sent."""
    peer: str = ""
    """The IP address of the peer of the connection."""
    certificate: bytes | None = None
    """The TLS certificate of the peer, in DER."""

    def __repr__(self) -> str:
        """Return a text without the headers, which hold a credential, and without the query."""
        return f"<SentRequest {self.method} {self.url.partition('?')[0]}>"


class KeyCheck:
    """The check of DPoP proofs in one process.

    Args:
        policy: The requirements.
        audience: Of the guard.
    """

    def __init__(self, policy: DpopPolicy, audience: str = "") -> None:
        self.policy = policy
        self._url = policy.public_url.rstrip("/") or ("" if policy.trust_host else _origin(audience))
        self._nonces = DpopNonces(policy.nonce_secret, policy.nonce_lifetime) if policy.nonce_secret else None
        self._used = UsedProofs(policy.remembered)

    def headers(self, now: float) -> dict[str, str]:
        """Return headers for every response, with the next nonce for clients (section 8.2). ``now``: epoch seconds."""
        return {} if self._nonces is None else {NONCE_HEADER: self._nonces.current(now)}

    def check(self, scheme: str, token: str, claims: Mapping[str, object], sent: SentRequest, now: float) -> None:
        """Check that the sender of a token holds its key.

        Args:
            scheme: Of the Authorization header, in lower case.
            token: The text of the token.
            claims: Of the token, or the introspection response.
            sent: The request.
            now: Epoch seconds.

        Raises:
            Refused: The token is bound to a key without a valid proof, or in a way that this API cannot check (401).
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
        """Verify that the proof is by this key, and is used here for the first time. Raises UnverifiableError, Refused."""
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
        check_times(proof, now)
        if self._nonces is None:
            ends_at: int | None = check_age(proof, now, self.policy.proof_lifetime)
        else:
            ends_at = self._nonces.end_of(proof.nonce, now)
        if ends_at is None:
            raise Refused(401, "use_dpop_nonce", "The DPoP proof needs the nonce of the DPoP-Nonce header.")
        if proof.jkt != jkt:  # before the replay check, so that useless proofs are not remembered
            raise Refused(401, "invalid_token", "The access token is bound to another key.")
        if not self._used.is_first_use(f"{proof.jkt}\0{proof.jti}", ends_at, now):
            raise UnverifiableError("it was used before")

    @property
    def knows_its_url(self) -> bool:
        """Whether there is a URL to compare proofs with."""
        return bool(self._url) or self.policy.trust_host

    def _target(self, url: str) -> str:
        """Return the target URI that a proof must name. Raises UnverifiableError."""
        if not self.knows_its_url:
            raise UnverifiableError("the URL by which clients call this API is not set (public_url)")
        if not self._url:
            return url
        try:
            return self._url + urlsplit(url).path
        except ValueError as error:  # a Host such as "["
            raise UnverifiableError("the request is for no URL") from error


def _origin(audience: str) -> str:
    """Return scheme and host of an audience, "" where it is not the URL of a host."""
    try:
        found = urlsplit(audience)
    except ValueError:
        return ""
    return f"{found.scheme}://{found.netloc}" if found.scheme in ("https", "http") and found.netloc else ""


class UsedProofs:
    """The replay check: hashes of the last used proofs, each until the proof is too old anyway."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._ends: OrderedDict[bytes, int] = OrderedDict()

    def is_first_use(self, name: str, ends_at: int, now: float) -> bool:
        """Record a use, and return whether it is the first. Beyond the bound the oldest are forgotten.

        Args:
            name: Of the proof.
            ends_at: The epoch second from which on the proof is too old.
            now: Epoch seconds.
        """
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
