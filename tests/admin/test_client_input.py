"""What of a client is refused, and in which words."""

from typing import Any

import pytest

from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.records.property import Property
from tests.admin.test_admin_clients import CRON, PHONE, WEB

FAULTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (CRON, {"client_id": ""}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"client_id": "a b"}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"client_id": "ä"}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"client_id": "a" * 256}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"name": "a\nb"}, "name: must not hold control characters"),
    (CRON, {"name": "a" * 256}, "name: must have at most 255"),
    (CRON, {"alias": "cron"}, "alias: must differ from the client_id"),
    (CRON, {"alias": "a b"}, "alias: must be 1 to 255 printable ASCII"),
    (CRON, {"auth_method": "tls"}, "auth_method: must be 'client_secret'"),
    (
        CRON,
        {"grant_types": ["telepathy"]},
        "grant_types.0: there is no such grant type here; there are authorization_code",
    ),
    (CRON, {"scopes": ["read write"]}, "scopes.0: must be one word each"),
    (CRON, {"scopes": ['"']}, "scopes.0: printable ASCII without quote"),
    (CRON, {"scopes": [""]}, "scopes.0: must be one word each"),
    (CRON, {"default_scope": "read admin"}, "default_scope: every word of it must be one of the client's scopes"),
    (CRON, {"default_scope": " write"}, "default_scope: every word"),
    (CRON, {"audiences": ["https://a/#b"]}, "audiences.0: a resource has no fragment"),
    (CRON, {"audiences": ["//api"]}, "audiences.0: is neither an absolute URI nor a plain identifier"),
    (CRON, {"audiences": ["a b"]}, "audiences.0: must be 1 to 255 printable ASCII"),
    (CRON, {"code_lifetime": 0}, "code_lifetime: must be at least 1"),
    (CRON, {"access_token_lifetime": 2**31}, "access_token_lifetime: must be at most 2147483647"),
    (CRON, {"refresh_idle_lifetime": -1}, "refresh_idle_lifetime: must be at least 0"),
    (CRON, {"refresh_limit": -1}, "refresh_limit: must be at least 0"),
    (CRON, {"refresh_rotation": "sometimes"}, "refresh_rotation: must be 'always'"),
    (CRON, {"refresh_grace": 301}, "refresh_grace: must be at most 300"),
    (CRON, {"properties": [{"name": "", "value": 1}]}, "properties.0.name: must not be empty"),
    (CRON, {"properties": [{"name": "a", "value": 1}] * 2}, "properties: a: given more than once"),
    (
        CRON,
        {"properties": [{"name": "scope", "value": 1, "in_token_response": True}]},
        "properties.0: scope is a registered member of token responses",
    ),
    (
        CRON,
        {"properties": [{"name": "sub", "value": 1, "in_introspection": True}]},
        "properties.0: sub is a registered member of introspection",
    ),
    (CRON, {"colour": "blue"}, "colour: there is no such member"),
    (CRON, {"secrets": []}, "secrets: there is no such member"),
    (CRON, {"scope": "read"}, "scope: there is no such member; did you mean scopes?"),
    (WEB, {"redirect_uris": ["http://app.example/"]}, "redirect_uris.0: http is for loopback"),
    (WEB, {"redirect_uris": ["https://app.example/#a"]}, "redirect_uris.0: a redirect URI has no fragment"),
    (WEB, {"redirect_uris": ["/callback"]}, "redirect_uris.0: '/callback' is not an absolute URI"),
    # what does not go together
    (CRON, {"auth_method": "none"}, "grant_types: client_credentials is for confidential clients"),
    (PHONE, {"introspect": True}, "introspect: a public client cannot prove who it is"),
    (WEB, {"redirect_uris": []}, "redirect_uris: authorization_code needs at least one"),
    (CRON, {"grant_types": ["refresh_token"]}, "grant_types: refresh_token needs a grant type beside it"),
    (
        CRON,
        {"grant_types": ["refresh_token", "client_credentials"]},
        "grant_types: refresh_token needs a grant type beside it",
    ),
    (CRON, {"grant_types": []}, "grant_types: name at least one"),
    (CRON, {"resources": ["https://api.example"]}, "resources: they say whose tokens the client may introspect"),
]


@pytest.mark.parametrize(("members", "changes", "text"), FAULTS, ids=[text for _, _, text in FAULTS])
def test_a_fault_is_named(members: dict[str, Any], changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ClientInput.read(members | changes)
    assert str(refused.value).startswith(text)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, float("nan"), [{"rate": float("inf")}]])
def test_a_property_that_json_cannot_carry_is_refused(value: Any) -> None:
    """YAML has such numbers; kept, they ended every token response of the client."""
    with pytest.raises(InvalidInput, match=r"^properties\.0\.value: holds a number that JSON cannot carry"):
        ClientInput.read(CRON | {"properties": [{"name": "tier", "value": value}]})
    ClientInput.read(CRON | {"properties": [{"name": "tier", "value": [2**64 - 1, -(2**63), 1.5, None]}]})


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        ClientInput.read({"client_id": " ", "grant_types": ["a", "b"], "refresh_grace": 999})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "client_id",
        "grant_types.0",
        "grant_types.1",
        "refresh_grace",
    ]
    with pytest.raises(InvalidInput) as refused:
        ClientInput.read(CRON | {"auth_method": "none", "introspect": True, "default_scope": "x"})
    assert len(str(refused.value).splitlines()) == 3
    with pytest.raises(InvalidInput) as refused:  # what does not go together is told beside what is wrong by itself
        ClientInput.read(CRON | {"auth_method": "none", "refresh_grace": 999, "token_endpoint_auth_signing_alg": "x"})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        *("refresh_grace", "token_endpoint_auth_signing_alg", "grant_types")
    ]


@pytest.mark.parametrize("resource", ["https://api.example/v1", "urn:example:api", "api", "API-2_x.y"])
def test_an_audience_is_a_uri_or_a_name(resource: str) -> None:
    assert ClientInput.read(CRON | {"audiences": [resource, resource]}).audiences == (resource,)


def test_a_registered_member_may_be_a_property_where_nobody_sees_it() -> None:
    given = ClientInput.read(CRON | {"properties": [{"name": "scope", "value": [1], "in_introspection": False}]})
    assert given.members()["properties"] == (Property("scope", [1]),)
