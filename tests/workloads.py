"""Tokens of platforms for their workloads, and the issuer of these tokens with its documents."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.crypto.key_material import PrivateKey, generate, public_jwk
from service.protocol.names import ClientAuthMethod, SigningAlgorithm, TrustUse
from service.records.client import Client
from service.records.trusted_issuer import TrustedIssuer
from tests.assertions import ISSUER
from tests.world import World

CLUSTER = "https://kubernetes.default.svc.cluster.local"
BILLING = "system:serviceaccount:shop:billing"
RS256 = SigningAlgorithm.RS256


@dataclass
class Platform:
    """An issuer of workload tokens, by default an API server of Kubernetes."""

    issuer: str = CLUSTER
    key: PrivateKey = field(default_factory=lambda: generate(RS256, 2048))
    algorithm: SigningAlgorithm = RS256

    @property
    def jwks(self) -> dict[str, Any]:
        """Return the JWK set as at ``/openid/v1/jwks``."""
        return {"keys": [public_jwk(self.key, self.algorithm, shared=True)]}

    def service_account_token(
        self, namespace: str = "shop", account: str = "billing", headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """Return a projected token of a service account, with the claims of Kubernetes 1.30; None leaves one out."""
        now = int(time.time())
        private = {
            "namespace": namespace,
            "node": {"name": "node-1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1"},
            "pod": {"name": f"{account}-7d4b9", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3"},
            "serviceaccount": {"name": account, "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
            "warnafter": now + 3607,
        }
        usual = {
            "aud": [ISSUER],
            "exp": now + 3600,
            "iat": now,
            "iss": self.issuer,
            "jti": "0b1a4b2c-5f9b-4b0a-8b8e-6f3d6a0b7e11",
            "kubernetes.io": private,
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        return self.sign({**usual, **changes}, headers)

    def sign(self, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        """Sign any claims; API servers write no ``typ``."""
        kid = {"kid": self.jwks["keys"][0]["kid"], "typ": None, **(headers or {})}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.key, self.algorithm.value, headers=kid)

    @asynccontextmanager
    async def publishing(self, jwks_uri: str = "", named: str = "") -> AsyncIterator["Published"]:
        """Publish its documents over HTTP, at an address that becomes its issuer.

        ``named`` is another issuer to write into the document.
        """
        asked: list[str] = []

        async def discovery(http: web.Request) -> web.Response:
            asked.append(http.path)
            document = {"issuer": named or self.issuer, "jwks_uri": jwks_uri or f"{self.issuer}/keys"}
            return web.json_response(document)

        async def keys(http: web.Request) -> web.Response:
            asked.append(http.path)
            return web.json_response(self.jwks)

        application = web.Application()
        application.add_routes([web.get("/.well-known/openid-configuration", discovery), web.get("/keys", keys)])
        async with TestServer(application) as server:
            self.issuer = str(server.make_url("")).rstrip("/")
            yield Published(self.issuer, asked)


@dataclass
class Published:
    """The address of the documents, and the requested paths."""

    url: str
    asked: list[str]


async def trust(world: World, platform: Platform, **changes: Any) -> None:
    """Trust the platform for client authentication."""
    usual: dict[str, Any] = {"jwks": platform.jwks, "uses": (TrustUse.CLIENT_AUTHENTICATION,)}
    await world.issuer.store.trusted_issuers.save(TrustedIssuer(platform.issuer, **(usual | changes)))


async def workload(world: World, platform: Platform, **changes: Any) -> Client:
    """Register the client that the service account ``billing`` authenticates."""
    usual: dict[str, Any] = {
        "auth_method": ClientAuthMethod.FEDERATED_JWT,
        "secrets": (),
        "federated_issuer": platform.issuer,
        "federated_subject": BILLING,
    }
    return await world.client(**({"client_id": "billing"} | usual | changes))
