"""Codes, tokens, assertions and users for requests, made in bulk by the service's own functions."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import jwt

from service.app import open_issuer
from service.crypto.client_certificates import thumbprint as certificate_thumbprint
from service.crypto.key_material import generate, public_jwk, thumbprint
from service.crypto.passwords import hash_generated
from service.issuer import Issuer
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import Kind, new_credential, new_grant_id, new_secret
from service.protocol.names import (
    OPENID,
    AccessTokenFormat,
    ClientAuthMethod,
    GrantTypeName,
    ResponseMode,
    ResponseType,
    SigningAlgorithm,
)
from service.protocol.pkce import ChallengeMethod, s256
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client, ClientSecret
from service.records.grant import Grant
from service.records.polled_request import PolledRequest
from service.records.user import User
from service.settings import load
from service.tokens import polled_requests
from service.tokens.authorization import Authorization, Issued, granted_by
from service.tokens.authorization_codes import issue_code
from service.tokens.issuing import issue
from tests.certificates import self_signed
from tests.redis_shapes import Shape

CLIENT_ID = "reporting-service-01"
"""A client_id of 20 characters, as generated ones have, as the record of each token contains it."""
REDIRECT_URI = "https://app.example.com/callback"
SCOPE = "read write"
SIGNERS = {SigningAlgorithm.ES256: "sign-in-service-es25", SigningAlgorithm.RS256: "sign-in-service-rs25"}
"""Clients that get ID tokens, by the signing algorithm; they request the scope openid in addition to ``SCOPE``."""
ASSERTING = "machine-with-a-key-1"
"""A client that authenticates by private_key_jwt with ES256."""
EXCHANGING, EXCHANGED_FOR = "load-exchanger", "https://api.example.com"
"""The client that exchanges tokens of ``CLIENT_ID``, and the audience of the new tokens."""
DEVICES = "living-room-device-1"
"""A public client that polls with device codes."""
JWT_CLIENTS = {SigningAlgorithm.ES256: "jwt-access-tokens-es", SigningAlgorithm.RS256: "jwt-access-tokens-rs"}
"""Clients whose access tokens are JWTs, by the signing algorithm."""
CERTIFIED = "machine-with-a-cert1"
"""A client that authenticates by a certificate that a proxy forwards, and whose tokens are bound to it."""
ISSUER = "http://127.0.0.1:8080"
"""The issuer of every measured server, at any port."""
MASTER_KEY = secrets.token_urlsafe(32)
VERIFIER = secrets.token_urlsafe(32)
PASSWORD = "correct horse battery staple"
USERS = 100
DAY = 86400
AT_ONCE = 500

_Made = TypeVar("_Made")


class Supplier:
    """Fills the Redis of one server. It has the key of ``ASSERTING`` and the certificate of ``CERTIFIED``.

    Args:
        issuer: The service.
        client: The client of most requests.
        signers: The clients that get ID tokens.
        secret: The secret of every client; all use client_secret_post.
    """

    def __init__(self, issuer: Issuer, client: Client, signers: Mapping[SigningAlgorithm, Client], secret: str) -> None:
        self.issuer = issuer
        self.client = client
        self.signers = signers
        self.secret = secret
        self.people = 0
        self.key = generate(SigningAlgorithm.ES256, 0)
        self.certificate = self_signed()

    async def codes(self, count: int, signed: SigningAlgorithm | None = None) -> list[str]:
        """Make authorization codes with PKCE, each of another user and valid for a day.

        Args:
            count: The number of codes.
            signed: The signing algorithm of their ID tokens; None: they get none.
        """
        client, scope = (self.signers[signed], f"{OPENID} {SCOPE}") if signed else (self.client, SCOPE)
        record = AuthorizationCode(
            redirect_uri=REDIRECT_URI,
            redirect_uri_given=True,
            code_challenge=s256(VERIFIER),
            code_challenge_method=ChallengeMethod.S256,
            nonce=secrets.token_urlsafe(16) if signed else None,
        )

        async def one() -> str:
            return (await issue_code(self.issuer, client, self.grant(client, scope), record)).code

        return await in_bulk(one, count)

    async def grants(self, count: int, binding: Binding = UNBOUND) -> list[Issued]:
        """Make grants with an access and a refresh token, each of another user."""
        return await in_bulk(lambda: self.issue_grant(binding), count)

    async def issue_grant(self, binding: Binding = UNBOUND) -> Issued:
        """Make the grant of one user, with an access and a refresh token."""
        grant = self.grant(self.client, SCOPE)
        return await issue(self.issuer, self.client, Authorization(grant, granted_by(grant), binding=binding))

    async def issue_alone(self) -> Issued:
        """Make a client_credentials token."""
        grant = Grant(
            self.client.client_id,
            scope=SCOPE,
            grant_type="client_credentials",
            client_generation=self.client.generation,
        )
        return await issue(self.issuer, self.client, Authorization(grant, granted_by(grant)))

    async def device_codes(self, count: int) -> list[str]:
        """Make pending device codes of ``DEVICES`` (RFC 8628)."""
        client = await self.issuer.store.clients.get(DEVICES)
        if client is None:
            raise LookupError(DEVICES)
        request = AuthorizationRequest(DEVICES, "", False, ResponseType.CODE, ResponseMode.QUERY, SCOPE)
        record = PolledRequest(request, client.generation, int(self.issuer.clock()) + DAY)

        async def one() -> str:
            fresh = polled_requests.prepare(self.issuer, Kind.DEVICE_CODE)
            await polled_requests.begin(self.issuer, client, fresh, record, interval=5, lifetime=DAY)
            return fresh.credential

        return await in_bulk(one, count)

    async def users(self) -> list[str]:
        """Make users with the password ``PASSWORD``, and return their usernames."""
        hashed = await self.issuer.hashing.hash(PASSWORD)
        names = [f"user-{number:04d}@example.com" for number in range(USERS)]
        for name in names:
            await self.issuer.store.users.save(User(name, name, hashed), await self.issuer.store.users.get(name))
        return names

    def assertions(self, count: int, audience: str = ISSUER) -> list[str]:
        """Return client assertions of ``ASSERTING``, each valid once and for ten minutes."""
        now = int(time.time())
        claims = {"iss": ASSERTING, "sub": ASSERTING, "aud": audience, "iat": now, "exp": now + 590}
        return [
            jwt.encode({**claims, "jti": f"{number}-{secrets.token_hex(8)}"}, self.key, "ES256")
            for number in range(count)
        ]

    def proofs(self, count: int, url: str) -> list[dict[str, str]]:
        """Return headers, each with a new DPoP proof (RFC 9449) for a POST to this URL."""
        header = {"typ": "dpop+jwt", "jwk": public_jwk(self.key, SigningAlgorithm.ES256)}
        claims = {"htm": "POST", "htu": url, "iat": int(time.time())}
        return [
            {"DPoP": jwt.encode({**claims, "jti": f"{number}-{secrets.token_hex(8)}"}, self.key, "ES256", header)}
            for number in range(count)
        ]

    @property
    def jkt(self) -> str:
        """The thumbprint of the key of ``proofs``."""
        return thumbprint(self.key.public_key(), "ES256")

    @property
    def x5t_s256(self) -> str:
        """The thumbprint of the certificate."""
        return certificate_thumbprint(self.certificate.der)

    def unknown_tokens(self, count: int) -> list[str]:
        """Return well-formed access tokens that were never issued."""
        text = self.issuer.random_text
        return [new_credential(Kind.ACCESS_TOKEN, new_grant_id(text), text) for _ in range(count)]

    def grant(self, client: Client, scope: str) -> Grant:
        """Return the grant of the next user for a client; a subject has the length of a UUID."""
        self.people += 1
        now = int(self.issuer.clock())
        return Grant(
            client.client_id,
            f"5f0c1e6a-7d2b-4c9e-8a31-{self.people:012d}",
            scope=scope,
            client_generation=client.generation,
            issued_at=now,
            auth_time=now,
        )


@asynccontextmanager
async def supplier(redis: Shape, secret: str = "") -> AsyncIterator[Supplier]:
    """Yield a supplier for this Redis, after registering its clients there."""
    settings = load(redis_url=redis.url, argon2_memory=64, argon2_iterations=1, redis_timeout=30.0)
    async with open_issuer(settings, listen=False) as issuer:
        secret = secret or new_secret(Kind.CLIENT_SECRET, issuer.randomness)
        signers = {
            one: await _client(issuer, name, secret, scopes=(OPENID, *SCOPE.split()), id_token_signed_response_alg=one)
            for one, name in SIGNERS.items()
        }
        made = Supplier(issuer, await _client(issuer, CLIENT_ID, secret), signers, secret)
        for one, name in JWT_CLIENTS.items():
            form = {"access_token_format": AccessTokenFormat.JWT, "access_token_signing_alg": one}
            await _client(issuer, name, secret, audiences=("https://api.example.com",), **form)
        keys = {"keys": [public_jwk(made.key, SigningAlgorithm.ES256)]}
        await _client(issuer, ASSERTING, secret, auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=keys)
        devices = {"auth_method": ClientAuthMethod.NONE, "secrets": (), "redirect_uris": ()}
        await _client(issuer, DEVICES, secret, grant_types=(GrantTypeName.DEVICE_CODE.value,), **devices)
        policy = {"exchange_from": (CLIENT_ID,), "exchange_audiences": (EXCHANGED_FOR,)}
        await _client(issuer, EXCHANGING, secret, grant_types=(GrantTypeName.TOKEN_EXCHANGE.value,), **policy)
        shown: dict[str, Any] = {"jwks": {"keys": [made.certificate.jwk]}, "secrets": ()}
        shown |= {"auth_method": ClientAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH}
        await _client(issuer, CERTIFIED, secret, tls_client_certificate_bound_access_tokens=True, **shown)
        yield made


async def _client(issuer: Issuer, client_id: str, secret: str, **changes: Any) -> Client:
    """Register a client, in place of an earlier one."""
    wished: dict[str, Any] = {
        "client_id": client_id,
        "generation": int(time.time() * 1000),  # as admin.create_client does: each grant pays for it
        "secrets": (ClientSecret(hash_generated(secret)),),
        "auth_method": ClientAuthMethod.CLIENT_SECRET_POST,
        "grant_types": ("authorization_code", "client_credentials", "password", "refresh_token"),
        "redirect_uris": (REDIRECT_URI,),
        "scopes": tuple(SCOPE.split()),
        "code_lifetime": DAY,
    }
    client = Client(**(wished | changes))
    await issuer.store.clients.save(client, await issuer.store.clients.read(client_id))
    return client


async def in_bulk(
    make: Callable[[], Awaitable[_Made]], count: int, report: Callable[[int], None] | None = None
) -> list[_Made]:
    """Make many, ``AT_ONCE`` at a time. ``report`` is called with the number so far, now and then."""
    made: list[_Made] = []
    while len(made) < count:
        made += await asyncio.gather(*(make() for _ in range(min(AT_ONCE, count - len(made)))))
        if report is not None:
            report(len(made))
    return made
