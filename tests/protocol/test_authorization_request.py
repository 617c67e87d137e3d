"""The checks of an authorization request, one line each."""

from typing import Any

import pytest

from service.protocol.authorization_request import (
    CHECKS,
    OPENID_CHECKS,
    AuthorizationRequest,
    check,
    verify_destination,
)
from service.protocol.authorization_rules import Rules
from service.protocol.errors import ProtocolError
from service.protocol.names import Prompt, ResponseMode, ResponseType
from service.protocol.profiles import Demands

URI = "https://app.example/cb"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
RULES = Rules(
    client_id="app",
    redirect_uris=(URI,),
    response_types=tuple(ResponseType),
    scopes=("openid", "profile", "offline_access", "read"),
    default_scope="read",
    audiences=("https://api.example",),
    acrs=("1",),
)
PLAIN = {"response_type": "code", "redirect_uri": URI, "scope": "openid", "nonce": "n"}


def checked(rules: Rules = RULES, resources: tuple[str, ...] = (), **parameters: str | None) -> AuthorizationRequest:
    given = {name: value for name, value in (PLAIN | parameters).items() if value is not None}
    return check(given, resources, rules, verify_destination(given, rules))


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": None}, "invalid_request"),  # oidcc-response-type-missing
        ({"response_type": "magic"}, "unsupported_response_type"),
        ({"response_type": "code code"}, "unsupported_response_type"),
        ({"response_type": "none code"}, "unsupported_response_type"),
        ({"response_mode": "pigeon"}, "invalid_request"),
        ({"response_type": "id_token", "response_mode": "query"}, "invalid_request"),
        ({"response_type": "id_token", "nonce": None}, "invalid_request"),  # oidcc-ensure-request-without-nonce-fails
        ({"response_type": "code id_token", "nonce": None}, "invalid_request"),
        ({"response_type": "id_token", "scope": "read"}, "invalid_scope"),
        ({"scope": "openid write"}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"state": "s" * 4001}, "invalid_request"),
        ({"nonce": "n" * 4001}, "invalid_request"),
        ({"state": "s" * 4000, "nonce": "n" * 4000, "scope": "openid " * 500, "extra": "x" * 5000}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[" * 5000}, "invalid_request"),
        ({"claims": '{"userinfo": {"name": 1}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": {"essential": true, "value": "9"}}}'}, "unmet_authentication_requirements"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"login_hint": "x" * 1001}, "invalid_request"),
    ],
)
def test_what_is_refused(parameters: dict[str, Any], error: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        checked(**parameters)
    assert caught.value.error == error


def test_a_resource_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(ProtocolError) as caught:
        checked(resources=("https://other.example",))
    assert caught.value.error == "invalid_target"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"nonce": None}, {"nonce": None}),  # oidcc-ensure-request-without-nonce-succeeds-for-code-flow
        ({"state": "s" * 4000}, {"state": "s" * 4000}),
        ({"nonce": "n" * 4000}, {"nonce": "n" * 4000}),
        ({"state": "s" * 4000, "nonce": "n" * 4000}, {"state": "s" * 4000}),
        ({"scope": "  openid   read "}, {"scope": "openid read"}),
        ({"scope": "   "}, {"scope": "read"}),
        ({"response_type": " code  id_token "}, {"response_type": ResponseType.CODE_ID_TOKEN}),
        ({"state": "ü+%&=#/?"}, {"state": "ü+%&=#/?"}),  # IA-33
        ({"extra": "foobar"}, {}),  # oidcc-ensure-request-with-unknown-parameter-succeeds
        ({"display": "popup"}, {"display": "popup"}),  # oidcc-display-popup
        ({"display": "hologram"}, {"display": "page"}),
        ({"ui_locales": "de-AT en <script>"}, {"ui_locales": ("de-AT", "en")}),  # oidcc-ui-locales
        ({"claims_locales": "se"}, {}),  # oidcc-claims-locales
        ({"acr_values": "1 2"}, {"acr_values": ("1", "2")}),  # oidcc-ensure-request-with-acr-values-succeeds
        ({"max_age": "0"}, {"max_age": 0}),
        ({"prompt": "login consent login"}, {"prompt": (Prompt.LOGIN, Prompt.CONSENT)}),
        ({"response_type": "token code id_token"}, {"response_type": ResponseType.CODE_ID_TOKEN_TOKEN}),  # IA-26
        ({"response_type": "code id_token"}, {"response_mode": ResponseMode.FRAGMENT}),  # IA-25
        ({"response_mode": "form_post"}, {"response_mode": ResponseMode.FORM_POST}),
        ({"response_mode": "fragment"}, {"response_mode": ResponseMode.FRAGMENT}),
        ({"scope": "read profile openid"}, {"scope": "read profile openid"}),  # oidcc-alternate-happy-flow
        ({"scope": None}, {"scope": "read"}),
        ({"response_type": "id_token", "scope": "openid offline_access"}, {"scope": "openid"}),  # Core 11
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, {"code_challenge": CHALLENGE}),
        ({"scope": "read", "claims": "["}, {"max_age": None}),  # plain OAuth knows no such thing
        ({"scope": "read", "max_age": "5", "acr_values": "a b"}, {"max_age": 5, "acr_values": ("a", "b")}),  # RFC 9470
        ({}, {"audience": ("https://api.example",)}),
    ],
)
def test_what_is_taken(parameters: dict[str, Any], expected: dict[str, Any]) -> None:
    request = checked(**parameters)
    assert {name: getattr(request, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("changes", "parameters", "error"),
    [
        ({"response_types": ("code",)}, {"response_type": "id_token"}, "unauthorized_client"),
        # fapi1-advanced-final-ensure-response-type-code-fails: what the profile forbids anybody is not this client's lack
        ({"response_types": ("code id_token",), "demands": Demands(jwt_response=True)}, {}, "invalid_request"),
        ({"require_pkce": True}, {}, "invalid_request"),
        ({"openid": False}, {}, "invalid_scope"),
    ],
)
def test_what_rules_forbid(changes: dict[str, Any], parameters: dict[str, Any], error: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        checked(RULES._replace(**changes), **parameters)
    assert caught.value.error == error


def test_rules_give_defaults() -> None:
    request = checked(RULES._replace(default_max_age=60, default_acr_values=("2",)))
    assert (request.max_age, request.acr_values) == (60, ("2",))
    assert checked(RULES._replace(sign_up=True), prompt="create").prompt == (Prompt.CREATE,)


@pytest.mark.parametrize(
    ("response_type", "response_mode", "travels"),
    [
        (None, None, "query"),
        ("code", "fragment", "fragment"),
        ("code", "form_post", "form_post"),
        ("id_token", "query", "fragment"),  # never in a query what belongs in a fragment
        ("magic token", None, "fragment"),
        ("code", "pigeon", "query"),
    ],
)
def test_errors_travel_where_the_answer_would(
    response_type: str | None, response_mode: str | None, travels: str
) -> None:
    given = {"response_type": response_type, "response_mode": response_mode}
    verified = verify_destination({name: value for name, value in given.items() if value}, RULES)
    assert verified.response_mode.value == travels


@pytest.mark.parametrize(
    ("uris", "given"),
    [
        ((URI,), "https://evil.example/cb"),
        ((URI,), URI + "?foo=bar"),  # oidcc-redirect-uri-query-added
        ((URI + "?foo=bar",), URI + "?foo=baz"),  # oidcc-redirect-uri-query-mismatch
        ((URI,), URI + "/"),
        ((URI,), URI + "#x"),
        ((URI, URI + "2"), None),  # oidcc-ensure-redirect-uri-in-authorization-request
        ((), None),
    ],
)
def test_where_no_answer_may_be_sent(uris: tuple[str, ...], given: str | None) -> None:
    """An error that is a page (oidcc-ensure-registered-redirect-uri)."""
    with pytest.raises(ProtocolError):
        verify_destination({"redirect_uri": given} if given else {}, RULES._replace(redirect_uris=uris))


@pytest.mark.parametrize("sign_up", [True, False])
def test_an_unknown_prompt_is_answered_with_those_that_there_are(sign_up: bool) -> None:
    with pytest.raises(ProtocolError) as refused:
        checked(RULES._replace(sign_up=sign_up), prompt="unknown")
    assert refused.value.description.endswith("select_account, create." if sign_up else "select_account.")


def test_every_check_is_in_a_list_once() -> None:
    import service.protocol.authorization_request as module

    listed = [run.__name__ for run in (*CHECKS, *OPENID_CHECKS)]
    assert sorted(listed) == sorted(name for name in vars(module) if name.startswith("check_"))
