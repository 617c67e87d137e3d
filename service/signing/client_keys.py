"""Keys of clients: registered with them or fetched from their jwks_uri, to verify what they signed."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, NamedTuple

import jwt
import orjson

from service.fetching import Fetched, FetchError
from service.records.client import Client
from service.settings import Settings

log = logging.getLogger(__name__)

MAX_TOKEN = 16_384
"""Characters of a JWT that a client signed."""
MAX_KEYS = 50
SKEW = 10
"""Seconds by which a client's clock may differ."""
_AGAIN_AFTER = 60.0
"""Seconds after which an unknown ``kid`` makes us fetch once more."""
_CACHED = 1000
"""Clients whose keys a process remembers."""
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""Which kind of key an algorithm needs: never one that was made for another."""
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class UnverifiableError(Exception):
    """The JWT cannot be verified: the text says why, for operators."""


class _Held(NamedTuple):
    """Keys of a client as they were read. ``source``: the record's own set, or the URL; times are monotonic seconds."""

    source: object
    keys: tuple[jwt.PyJWK, ...]
    read_at: float
    fresh_until: float


class ClientKeys:
    """``fetch``: gets a document by its URL (``Fetcher.get``)."""

    def __init__(
        self,
        settings: Settings,
        fetch: Callable[[str], Awaitable[Fetched]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._fetch = fetch
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._fetching: dict[str, asyncio.Future[_Held]] = {}

    async def verify(self, client: Client, token: str, *, algorithms: Collection[str]) -> dict[str, Any]:
        """The claims of a JWT that this client signed, by one of ``algorithms`` (asymmetric ones).

        Checked besides the signature: ``exp``, ``nbf``, ``iat`` with ``SKEW``, ``iss`` is the client, ``aud`` names us; where
        they are there (RFC 9101 section 4). Keys and URLs in the header are not looked at. Raises UnverifiableError.
        """
        if len(token) > MAX_TOKEN:
            raise UnverifiableError(f"more than {MAX_TOKEN} characters")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError) as error:
            raise UnverifiableError("not a JWT") from error
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in algorithms:
            raise UnverifiableError(f"signed with {str(algorithm)[:20]}, not with {', '.join(algorithms)}")
        candidates = await self.keys(client, kid=kid if isinstance(kid, str) else None, algorithm=algorithm)
        for key in candidates[:MAX_KEYS]:
            try:
                signed: dict[str, Any] = jwt.decode(
                    token,
                    key.key,
                    algorithms=[algorithm],
                    options={"verify_aud": False, "verify_iss": False},
                    leeway=SKEW,
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                raise UnverifiableError(str(error)[:200]) from error
            self._check_parties(client, signed)
            return signed
        raise UnverifiableError("no key of the client verifies the signature")

    async def keys(self, client: Client, *, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """The client's keys that this algorithm can be verified with, and of that ``kid`` if it has one.

        A ``kid`` that is not known makes us look at the jwks_uri again. Raises UnverifiableError where it can't be had.
        """
        held = await self._read(client)
        found = _fitting(held.keys, kid, algorithm)
        if not found and client.jwks_uri and self._clock() - held.read_at >= _AGAIN_AFTER:
            held = await self._fetched(client.client_id, client.jwks_uri)
            found = _fitting(held.keys, kid, algorithm)
        return found

    def _check_parties(self, client: Client, signed: Mapping[str, Any]) -> None:
        if signed.get("iss", client.client_id) != client.client_id:
            raise UnverifiableError("iss is not the client")
        audience = signed.get("aud", self._settings.issuer)
        named = audience if isinstance(audience, list) else [audience]
        if self._settings.issuer not in named:
            raise UnverifiableError("aud does not name this issuer")

    async def _read(self, client: Client) -> _Held:
        source: object = client.jwks_uri or client.jwks
        if source is None:
            raise UnverifiableError("the client has neither jwks nor jwks_uri")
        held = self._held.get(client.client_id)
        if held is not None and held.source == source and self._clock() < held.fresh_until:
            self._held.move_to_end(client.client_id)
            return held
        if client.jwks_uri:
            try:
                return await self._fetched(client.client_id, client.jwks_uri)
            except UnverifiableError:
                if held is None or held.source != source:
                    raise
                return held  # what was right a while ago is better than nothing, until the client's server is back
        now = self._clock()
        return self._remember(client.client_id, _Held(source, parsed(client.jwks), now, now + 1e9))

    async def _fetched(self, client_id: str, uri: str) -> _Held:
        """Fetch the keys; whoever wants them meanwhile waits for the same answer."""
        fetching = self._fetching.get(uri)
        if fetching is None:
            fetching = self._fetching[uri] = asyncio.ensure_future(self._fetch_keys(client_id, uri))
            fetching.add_done_callback(
                lambda done: (self._fetching.pop(uri, None), done.cancelled() or done.exception())
            )
        return await asyncio.shield(fetching)

    async def _fetch_keys(self, client_id: str, uri: str) -> _Held:
        try:
            fetched = await self._fetch(uri)
            keys = parsed(orjson.loads(fetched.content))
        except (FetchError, ValueError) as error:
            log.warning("client_keys_unavailable", extra={"client_id": client_id, "reason": str(error)[:200]})
            raise UnverifiableError(f"jwks_uri: {error}") from error
        now, most = self._clock(), self._settings.client_keys_lifetime
        lifetime = most if fetched.max_age is None else min(most, max(fetched.max_age, 1))
        return self._remember(client_id, _Held(uri, keys, now, now + lifetime))

    def _remember(self, client_id: str, held: _Held) -> _Held:
        self._held[client_id] = held
        self._held.move_to_end(client_id)
        while len(self._held) > _CACHED:
            self._held.popitem(last=False)
        return held


def parsed(jwks: Any) -> tuple[jwt.PyJWK, ...]:
    """The public keys of a JWK set that can be used; others are passed over (RFC 7517 section 5). Raises ValueError."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("not a JWK set")
    usable = []
    for member in jwks["keys"][:MAX_KEYS]:
        if not isinstance(member, dict) or member.get("use", "sig") != "sig" or member.get("kty") == "oct":
            continue
        try:
            usable.append(jwt.PyJWK({name: value for name, value in member.items() if name != "d"}))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
    return tuple(usable)


def _fitting(keys: Collection[jwt.PyJWK], kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
    kind, curve = _TYPES.get(algorithm[:2]), _CURVES.get(algorithm)
    return [
        key
        for key in keys
        if key.key_type == kind
        and (kid is None or key.key_id == kid)
        and (curve is None or key._jwk_data.get("crv") == curve)
        and key._jwk_data.get("alg", algorithm) == algorithm
    ]
