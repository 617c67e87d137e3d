"""Whatever comes as an authorization request: it is refused by a registered error, or all that was promised of it holds."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.protocol.authorization_request import AuthorizationRequest, check, verify_destination
from service.protocol.authorization_rules import Rules
from service.protocol.errors import ProtocolError
from service.protocol.names import Prompt, ResponseType, UnknownScope
from service.protocol.profiles import NO_DEMANDS
from service.protocol.response_destination import modes_supported

pytestmark = pytest.mark.slow

URIS = ("https://app.example/cb", "http://127.0.0.1/cb", "app.example:/cb")
SCOPES = ("openid", "profile", "offline_access", "read", "write")
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REGISTERED = {
    *("invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope"),
    *("server_error", "temporarily_unavailable", "invalid_target"),
    *("registration_not_supported", "unmet_authentication_requirements"),
}
"""RFC 6749 4.1.2.1, RFC 8707 section 2, OpenID Connect Core 3.1.2.6, Unmet Authentication Requirements 1.0."""

junk = st.text(max_size=12)
words = st.lists(st.sampled_from([*SCOPES, "x", '"', ""]), max_size=4).map(" ".join)


def mostly(*values: str) -> st.SearchStrategy[str]:
    """One of these, or now and then what nobody expects."""
    return st.integers(0, 9).flatmap(lambda chance: st.sampled_from(values) if chance else junk)


PARAMETERS = {
    "redirect_uri": mostly(*URIS, "http://127.0.0.1:49152/cb"),
    "response_type": mostly(*ResponseType, "token code", "id_token token code", "code code"),
    "response_mode": mostly(*modes_supported([*ResponseType], NO_DEMANDS, can_sign=True)),
    "state": mostly("st", "s" * 4000, "s" * 4001),
    "scope": st.one_of(words, junk),
    "nonce": mostly("n", "n" * 4001),
    "code_challenge": mostly(CHALLENGE),
    "code_challenge_method": mostly("S256", "plain"),
    "prompt": mostly(*Prompt, "none login", "login consent login"),
    "max_age": mostly("0", "3600", "-1", "٣", "9" * 11),
    "claims": mostly(
        json.dumps({"id_token": {"acr": {"essential": True, "values": ["1"]}}}), "{}", "[]", '{"userinfo": 1}'
    ),
    "acr_values": mostly("1", "0 1"),
    "login_hint": junk,
    "id_token_hint": junk,
    "ui_locales": mostly("de en", "de-CH-1996 _ x"),
    "display": mostly("page", "wap"),
    "registration": junk,
    "never_heard_of": junk,
}
SOUND = st.fixed_dictionaries(
    {
        "redirect_uri": st.sampled_from(URIS),
        "response_type": st.sampled_from([one.value for one in ResponseType]),
        "scope": st.sets(st.sampled_from(SCOPES)).map(lambda chosen: " ".join(sorted({*chosen, "openid"}))),
        "nonce": st.just("n"),
        "code_challenge": st.just(CHALLENGE),
        "code_challenge_method": st.just("S256"),
    },
    optional={"state": st.just("st"), "prompt": st.sampled_from(["login", "consent login"]), "max_age": st.just("60")},
)
NO_PAIRS: list[tuple[str, str]] = []
changes = st.one_of(
    st.just(NO_PAIRS),
    st.lists(
        st.sampled_from(list(PARAMETERS)).flatmap(
            lambda name: st.tuples(st.just(name), st.one_of(PARAMETERS[name], st.just("")))
        ),
        max_size=3,
    ),
)
requests = st.builds(
    lambda sound, changed: {name: value for name, value in (sound | dict(changed)).items() if value}, SOUND, changes
)
"""A sound request with up to three parameters changed, added or left out."""
NO_NAMES: list[str] = []
resources = st.one_of(
    st.just(NO_NAMES),
    st.lists(mostly("https://api.example", "https://other.example/v1", "https://api.example#f"), max_size=3),
)
some_rules = st.builds(
    Rules,
    client_id=st.just("app"),
    redirect_uris=st.sampled_from([*4 * [URIS], URIS[:1], ()]),
    response_types=st.sampled_from([*4 * [tuple(ResponseType)], (ResponseType.CODE,), ()]),
    scopes=st.sampled_from([*4 * [SCOPES], SCOPES[:2], SCOPES[3:], ()]),
    default_scope=st.sampled_from(["", "read"]),
    unknown_scope=st.sampled_from(list(UnknownScope)),
    audiences=st.sampled_from([(), ("https://api.example",), ("https://api.example", "https://other.example/v1")]),
    default_audience=st.sampled_from([None, ()]),
    require_pkce=st.booleans(),
    allow_plain_pkce=st.booleans(),
    default_max_age=st.sampled_from([None, 60]),
    openid=st.sampled_from([True, True, True, False]),
    sign_up=st.booleans(),
    any_redirect_uri=st.sampled_from([False, False, False, True]),
)


def judged(found: dict[str, str], at: list[str], rules: Rules) -> AuthorizationRequest | str:
    """The request, or the code of its error."""
    try:
        return check(found, tuple(at), rules, verify_destination(found, rules))
    except ProtocolError as error:
        refused = error
    assert refused.error in REGISTERED
    assert refused.description
    return refused.error


def promises(request: AuthorizationRequest, found: dict[str, str], at: list[str], rules: Rules) -> dict[str, Any]:
    """What holds of a request that passed, said without the table."""
    parts, scopes = set(request.response_type.value.split()), set(request.scope.split())
    openid = "openid" in scopes
    return {
        "registered for its response type": request.response_type in rules.response_types,
        "goes to a registered URI": rules.any_redirect_uri
        or request.redirect_uri.replace(":49152", "") in rules.redirect_uris,
        "goes to the web": request.redirect_uri.startswith(("https://", "http://127.0.0.1"))
        or request.redirect_uri in URIS,
        "no token in a query": request.response_mode != "query" or not parts & {"token", "id_token"},
        "as it was asked": found.get("response_mode", request.response_mode)
        in (request.response_mode, *([f"{request.response_mode}.jwt", "jwt"] if request.as_jwt else [])),
        "signed where it can be": not request.as_jwt or rules.openid,
        "scope of the client": scopes <= {*rules.scopes, *rules.default_scope.split()},
        "openid where it can be": not openid or rules.openid,
        "an ID token is for openid": "id_token" not in parts or (openid and request.nonce),
        "nothing offline without a code": "offline_access" not in scopes or "code" in parts,
        "a challenge where one is due": not rules.require_pkce or "code" not in parts or request.code_challenge,
        "plain where it may be": request.code_challenge_method != "plain" or rules.allow_plain_pkce,
        "audience of the client": set(request.audience) <= set(rules.audiences),
        "audience as asked": not at or set(request.audience) == set(at),
        "state as it came": request.state == found.get("state"),
        "nobody is asked, or somebody": Prompt.NONE not in request.prompt or len(request.prompt) == 1,
        "an age": request.max_age is None or request.max_age >= 0,
        "no client's metadata": "registration" not in found,
    }


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(requests, resources, some_rules)
def test_a_request_is_refused_by_name_or_keeps_every_promise(
    found: dict[str, str], at: list[str], rules: Rules
) -> None:
    request = judged(found, at, rules)
    if not isinstance(request, str):
        broken = [promise for promise, holds in promises(request, found, at, rules).items() if not holds]
        assert not broken, request


@settings(max_examples=300)
@given(requests, resources, some_rules, st.data())
def test_order_and_unknown_parameters_change_nothing(
    found: dict[str, str], at: list[str], rules: Rules, data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(found.items()))))
    assert judged(shuffled | {"unheard": "of"}, at, rules) == judged(found, at, rules)


@settings(max_examples=300)
@given(requests, resources, some_rules)
def test_stricter_rules_accept_nothing_that_was_refused(found: dict[str, str], at: list[str], rules: Rules) -> None:
    stricter = rules._replace(
        require_pkce=True, allow_plain_pkce=False, unknown_scope=UnknownScope.REFUSE, audiences=rules.audiences[:1]
    )
    if isinstance(judged(found, at, rules), str):
        assert isinstance(judged(found, at, stricter), str)


@given(SOUND, st.booleans())
def test_what_is_sound_is_accepted(found: dict[str, str], strict: bool) -> None:
    rules = Rules("app", URIS, tuple(ResponseType), SCOPES, require_pkce=strict)
    request = judged(found, [], rules)
    assert not isinstance(request, str), request
