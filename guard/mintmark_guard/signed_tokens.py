"""JWT access tokens (RFC 9068), verified by the keys that their issuer publishes."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import jwt

from mintmark_guard.issuer import Issuer
from mintmark_guard.issuer_keys import IssuerKeys
from mintmark_guard.jws import ALGORITHMS, Jws, UnverifiableError, check_times, is_signed, json_object, parse
from mintmark_guard.token_source import InactiveError

log = logging.getLogger(__name__)

_REQUIRED = ("exp", "iat", "jti", "sub", "client_id")
"""Claims of every JWT access token (RFC 9068 section 2.2); no ID token has a ``client_id``."""


class SignedTokens:
    """A token source that verifies JWTs. It makes no request but for keys, and does not notice revocations.

    Args:
        issuer: The token service.
        jwt_typ: The ``typ`` of the tokens.
    """

    def __init__(self, issuer: Issuer, jwt_typ: str) -> None:
        self._issuer = issuer
        self._types = {jwt_typ.lower(), f"application/{jwt_typ}".lower()}
        self.keys = IssuerKeys(self._published)
        self._has_warned = False

    def at_hand(self, text: str) -> Mapping[str, Any] | None:
        """Verify by a known key; None where the key is unknown, or due to be read again."""
        jws = self._parsed(text)
        key = self.keys.known(str(jws.header["kid"]))
        return None if key is None else self._verified(jws, key)

    async def claims(self, text: str) -> Mapping[str, Any]:
        """Verify, after reading the keys where that is due."""
        jws = self._parsed(text)
        key = await self.keys.get(str(jws.header["kid"]))
        if key is None:
            raise InactiveError
        return self._verified(jws, key)

    async def start(self) -> None:
        """Check that the URL of the issuer is right, by its discovery document."""
        self._issuer.open()
        await self._issuer.discovered()

    async def close(self) -> None:
        """Do nothing, as nothing was started."""

    def _parsed(self, text: str) -> Jws:
        if text.count(".") != 2:
            raise self._no_jwt()
        try:
            jws = parse(text)
        except UnverifiableError as error:
            raise InactiveError from error
        header = jws.header
        typ = header.get("typ")
        if not isinstance(typ, str) or typ.lower() not in self._types or not isinstance(header.get("kid"), str):
            raise InactiveError
        return jws

    def _no_jwt(self) -> InactiveError:
        """Return the error, and warn in the log once only, as anybody may send such tokens."""
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "guard: a token was refused because it is not a JWT, and this guard verifies JWTs: give the client "
                "--access-token-format jwt, or the guard client_id and client_secret"
            )
        return InactiveError("The access token is not a JWT, which this API needs (access_token_format of the client).")

    def _verified(self, jws: Jws, key: jwt.PyJWK) -> Mapping[str, Any]:
        """Return the claims (RFC 9068 section 4). The key alone determines the algorithm (RFC 8725 section 3.1)."""
        algorithm = key.algorithm_name
        if jws.header.get("alg") != algorithm or algorithm not in ALGORITHMS:
            raise InactiveError
        if not is_signed(algorithm, key.key, jws.signing_input, jws.signature):
            raise InactiveError
        try:
            claims = json_object(jws.payload)
            check_times(claims, time.time())
        except (UnverifiableError, ValueError) as error:
            raise InactiveError from error
        if claims.get("iss") != self._issuer.url:
            raise InactiveError
        for name in _REQUIRED:
            if claims.get(name) is None:
                raise InactiveError
        return claims

    async def _published(self) -> Mapping[str, Any]:
        return await self._issuer.get((await self._issuer.discovered())["jwks_uri"])
