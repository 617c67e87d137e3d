"""Keycloak's realm for the benchmark: the clients of every peer, and users with a cheap password hash.

The hash is cheap as each code takes a sign-in.
"""

import json
from typing import Any

from loadtests.supplies import ASSERTING, CLIENT_ID, DAY, JWT_CLIENTS, REDIRECT_URI, SCOPE, SIGNERS, Supplier
from service.crypto.key_material import public_jwk
from service.protocol.names import SigningAlgorithm

REALM, USERS, PASSWORD = "bench", 200, "correct horse battery staple"
SIGNED_BY = SigningAlgorithm.ES256
"""The default signing algorithm of access tokens, the cheaper of the two."""


def realm(supplies: Supplier) -> dict[str, Any]:
    """Return the realm in the form of its admin API."""
    keys = {"keys": [public_jwk(supplies.key, SigningAlgorithm.ES256)]}
    asserting = {"use.jwks.string": "true", "jwks.string": json.dumps(keys)}
    return {
        "realm": REALM,
        "enabled": True,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "accessTokenLifespan": 3600,
        "accessCodeLifespan": 3600,
        "ssoSessionIdleTimeout": 14 * DAY,
        "ssoSessionMaxLifespan": 14 * DAY,
        "defaultSignatureAlgorithm": SIGNED_BY,
        "passwordPolicy": "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)",
        "clientScopes": [_basic(), *({"name": name, "protocol": "openid-connect"} for name in SCOPE.split())],
        "components": {"org.keycloak.keys.KeyProvider": _keys()},
        "clients": [
            _client(CLIENT_ID, supplies.secret),
            *(_client(name, supplies.secret, {"id.token.signed.response.alg": one}) for one, name in SIGNERS.items()),
            *(
                _client(name, supplies.secret, {"access.token.signed.response.alg": one})
                for one, name in JWT_CLIENTS.items()
            ),
            _client(ASSERTING, supplies.secret, asserting) | {"clientAuthenticatorType": "client-jwt"},
        ],
        "users": [_user(f"user{number}") for number in range(USERS)],
    }


def _client(client_id: str, secret: str, attributes: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "clientId": client_id,
        "secret": secret,
        "redirectUris": [REDIRECT_URI],
        "standardFlowEnabled": True,
        "directAccessGrantsEnabled": True,
        "serviceAccountsEnabled": True,
        "fullScopeAllowed": False,
        "defaultClientScopes": ["basic"],
        "optionalClientScopes": SCOPE.split(),
        "attributes": {"access.token.signed.response.alg": SIGNED_BY, **(attributes or {})},
    }


def _basic() -> dict[str, Any]:
    """Return the scope that puts ``sub`` and ``aud`` into access tokens; only clients in ``aud`` may introspect a token."""
    shown = {"access.token.claim": "true", "introspection.token.claim": "true"}
    mappers = {"oidc-sub-mapper": {}, "oidc-audience-mapper": {"included.client.audience": CLIENT_ID}}
    return {
        "name": "basic",
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "false"},
        "protocolMappers": [
            {"name": kind, "protocol": "openid-connect", "protocolMapper": kind, "config": shown | config}
            for kind, config in mappers.items()
        ],
    }


def _keys() -> list[dict[str, Any]]:
    made = {
        "rsa-generated": {"algorithm": ["RS256"], "keySize": ["2048"]},
        "ecdsa-generated": {"ecdsaEllipticCurveKey": ["P-256"]},
        "hmac-generated": {"algorithm": ["HS512"]},
        "aes-generated": {},
    }
    return [
        {"name": name, "providerId": name, "config": {"priority": ["100"], **config}} for name, config in made.items()
    ]


def _user(name: str) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "email": f"{name}@example.com",
        "emailVerified": True,
        "firstName": "A",
        "lastName": "User",
        "credentials": [{"type": "password", "value": PASSWORD}],
    }
