"""Which members of client metadata go together, and which do not."""

from typing import Any

import pytest

from service.protocol.client_metadata import ClientMetadata
from service.protocol.client_metadata_rules import COMBINATIONS

URI = "https://app.example/cb"
KEYS = "https://app.example/keys"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
WEB: dict[str, Any] = {"grant_types": ("authorization_code", "refresh_token"), "redirect_uris": (URI,)}
PUBLIC: dict[str, Any] = WEB | {"auth_method": "none"}
MACHINE: dict[str, Any] = {"grant_types": ("client_credentials",)}
API: dict[str, Any] = {"introspect": True}
CALLS: dict[str, Any] = {"grant_types": ("urn:openid:params:grant-type:ciba", "refresh_token")}
PING: dict[str, Any] = {
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://app.example/notified",
}
BROWSER_TOKENS: dict[str, Any] = {
    "grant_types": ("implicit",),
    "response_types": ("id_token",),
    "redirect_uris": (URI,),
}


def refusals(members: dict[str, Any]) -> list[str]:
    given = ClientMetadata(client_id="app", **members)
    return [text for is_wrong, text in COMBINATIONS if is_wrong(given)]


@pytest.mark.parametrize(
    "members",
    [
        WEB,
        PUBLIC,
        MACHINE,
        API,
        BROWSER_TOKENS,
        MACHINE | {"introspect": True},
        API | {"resources": ("api",)},
        WEB | {"grant_types": ("authorization_code", "client_credentials", "refresh_token")},
        {"grant_types": ("password", "refresh_token")},
        MACHINE | {"response_types": ("none",), "grant_types": ("password",)},
        WEB | {"scopes": ("a", "b"), "default_scope": "b a"},
        WEB | {"scopes": ("a",), "default_scope": ""},
        WEB | {"jwks": {"keys": []}},
        WEB | {"jwks_uri": KEYS},
        WEB | {"jwks": {"keys": []}, "require_signed_request_object": True},
        WEB | {"jwks_uri": KEYS, "require_signed_request_object": True},
        WEB | {"frontchannel_logout_uri": "https://app.example/out"},
        WEB
        | {"redirect_uris": ("https://other.example/cb", URI), "frontchannel_logout_uri": "https://app.example/out"},
        MACHINE | {"auth_method": "private_key_jwt", "jwks": {"keys": []}},
        MACHINE | {"auth_method": "private_key_jwt", "jwks_uri": KEYS, "token_endpoint_auth_signing_alg": "RS256"},
        MACHINE | {"auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS512"},
        MACHINE | {"token_endpoint_auth_signing_alg": "ES256"},  # may belong to a client that asserts subjects
        MACHINE | {"grant_types": (JWT_BEARER,), "may_assert_subjects": True},
        MACHINE | {"alias": "other"},
        CALLS,
        CALLS | PING | {"backchannel_authentication_request_signing_alg": "PS256", "jwks_uri": KEYS},
        CALLS | PING | {"dpop_bound_access_tokens": True},
        CALLS | PING | {"backchannel_token_delivery_mode": "push"},
    ],
)
def test_what_goes_together(members: dict[str, Any]) -> None:
    assert refusals(members) == []


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (
            PUBLIC | {"grant_types": ("authorization_code", "client_credentials")},
            "grant_types: client_credentials is for",
        ),
        (PUBLIC | {"introspect": True}, "introspect: a public client"),
        (WEB | {"redirect_uris": ()}, "redirect_uris: authorization_code needs"),
        ({"grant_types": ("refresh_token",)}, "grant_types: refresh_token needs"),
        ({"grant_types": ("refresh_token", "client_credentials")}, "grant_types: refresh_token needs"),
        ({}, "grant_types: name at least one"),
        (MACHINE | {"resources": ("api",)}, "resources: they say"),
        (WEB | {"scopes": ("a",), "default_scope": "a b"}, "default_scope: every word"),
        (WEB | {"scopes": ("a",), "default_scope": 'a"'}, "default_scope: every word"),
        (BROWSER_TOKENS | {"redirect_uris": ()}, "redirect_uris: tokens from the authorization endpoint"),
        (WEB | {"jwks": {"keys": []}, "jwks_uri": KEYS}, "jwks: give the keys or their jwks_uri"),
        (WEB | {"require_signed_request_object": True}, "require_signed_request_object: needs jwks"),
        (WEB | {"frontchannel_logout_uri": "https://other.example/out"}, "frontchannel_logout_uri: must have"),
        (WEB | {"frontchannel_logout_uri": "https://app.example:8443/out"}, "frontchannel_logout_uri: must have"),
        (WEB | {"frontchannel_logout_uri": "http://127.0.0.1/out"}, "frontchannel_logout_uri: must have"),
        (MACHINE | {"frontchannel_logout_uri": "https://app.example/out"}, "frontchannel_logout_uri: must have"),
        (MACHINE | {"auth_method": "private_key_jwt"}, "auth_method: private_key_jwt needs"),
        (MACHINE | {"token_endpoint_auth_signing_alg": "HS256"}, "token_endpoint_auth_signing_alg: HS"),
        (
            MACHINE | {"auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"},
            "token_endpoint_auth_signing_alg: HS",
        ),
        (MACHINE | {"may_assert_subjects": True}, "may_assert_subjects: goes with"),
        (MACHINE | {"alias": "app"}, "alias: must differ"),
        (CALLS | {"auth_method": "none"}, "grant_types: urn:openid:params:grant-type:ciba is for confidential"),
        (CALLS | {"backchannel_token_delivery_mode": "ping"}, "backchannel_client_notification_endpoint: ping"),
        (CALLS | {"backchannel_token_delivery_mode": "push"}, "backchannel_client_notification_endpoint: ping"),
        (CALLS | {"backchannel_authentication_request_signing_alg": "PS256"}, "backchannel_authentication_request"),
        (
            CALLS | PING | {"backchannel_token_delivery_mode": "push", "dpop_bound_access_tokens": True},
            "backchannel_token_delivery_mode: tokens",
        ),
    ],
)
def test_what_does_not(members: dict[str, Any], told: str) -> None:
    found = refusals(members)
    assert len(found) == 1
    assert found[0].startswith(told)
