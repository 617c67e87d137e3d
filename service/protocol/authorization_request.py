"""Validation of authorization requests: each check is one line of a list (RFC 6749 4.1.1, OpenID Connect Core 3.1.2.1).

Two phases: until client and redirect URI are verified, an error is a page; afterwards it goes back to the client, in the
response mode that the request asks for. Parameters without a definition are ignored (RFC 6749 3.1).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.protocol import claims, pkce, redirect_uris, scopes, targets
from service.protocol.authorization_rules import Rules
from service.protocol.binding import UNBOUND, Binding
from service.protocol.claims import ClaimsRequest
from service.protocol.errors import (
    InvalidRequest,
    InvalidScope,
    RegistrationNotSupported,
    UnauthorizedClient,
    UnmetAuthenticationRequirements,
    UnsupportedResponseType,
)
from service.protocol.names import OFFLINE_ACCESS, OPENID, Prompt, ResponseMode, ResponseType
from service.protocol.response_destination import Verified, travel, travel_of_errors
from service.protocol.whole_numbers import whole_number

MAX_STATE = 4000
"""The most characters of ``state`` and of ``nonce``, which are returned unchanged."""
MAX_REQUEST = 16_384
"""The most characters of all parameters together, names and values, however they were sent."""
MAX_TEXT = 1000
"""The most characters of login_hint, acr_values, ui_locales, claims_locales and display."""
MAX_LANGUAGES = 10
_RESPONSE_TYPES = {" ".join(sorted(one.value.split())): one for one in ResponseType}
_PROMPTS = frozenset(prompt.value for prompt in Prompt)
_DISPLAYS = ("page", "popup", "touch", "wap")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class AuthorizationRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request that passed every check, ready to be answered or to wait for a user."""

    client_id: str
    redirect_uri: str
    redirect_uri_given: bool  # the token request must name it, too
    response_type: ResponseType
    response_mode: ResponseMode
    scope: str = ""
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    prompt: tuple[Prompt, ...] = ()
    max_age: int | None = None  # seconds; None: any
    id_token_hint: str | None = None  # as received, verified where the keys are
    login_hint: str | None = None
    acr_values: tuple[str, ...] = ()
    claims: ClaimsRequest = ClaimsRequest()
    ui_locales: tuple[str, ...] = ()
    display: str = "page"
    audience: tuple[str, ...] = ()
    members: dict[str, Any] | None = None
    """Further members (``tokens.members``), by name."""
    binding: Binding = UNBOUND
    """The key to which its code is bound."""
    as_jwt: bool = False
    """Whether the response travels as a signed JWT (JARM)."""
    redirect_uri_pushed: bool = False
    """Whether the redirect URI is registered nowhere (RFC 9126 section 2.4)."""
    signed: bool = False
    """Whether it was sent as a request object, which may expire by itself (RFC 9101 section 4)."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scope as a tuple of scope tokens."""
        return tuple(self.scope.split())


@dataclass(slots=True)
class Draft:
    """A request while it is being checked: its parameters, the rules, and the results so far."""

    parameters: Mapping[str, str]
    resources: tuple[str, ...]
    rules: Rules
    found: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, most: int = MAX_TEXT) -> str | None:
        """Return a parameter of at most ``most`` characters. Raises InvalidRequest."""
        value = self.parameters.get(name)
        if value is not None and len(value) > most:
            raise InvalidRequest(f"{name} has more than {most} characters.")
        return value

    @property
    def is_openid(self) -> bool:
        """Whether the scope openid is granted; parameters of OpenID Connect are used only then."""
        return self.rules.openid and OPENID in self.found.get("scope", "").split()


# phase 1: an error is a page


def verify_destination(parameters: Mapping[str, str], rules: Rules) -> Verified:
    """Return where and how a response may be sent. Raises InvalidRequest, which only the user may see."""
    given = parameters.get("redirect_uri")
    if given is None and rules.openid and OPENID in parameters.get("scope", "").split():
        raise InvalidRequest("redirect_uri is required with the scope openid (OpenID Connect Core 3.1.2.1).")
    if given is None and rules.demands.redirect_uri:
        raise InvalidRequest("redirect_uri is missing: the security profile demands it.")
    uri = redirect_uris.resolve(
        given, rules.redirect_uris, is_free=rules.any_redirect_uri, is_native=rules.any_loopback_port
    )
    state = parameters.get("state")
    if state is not None and len(state) > MAX_REQUEST:  # the error response would be as long
        state = None
    requested, response_type = parameters.get("response_mode"), parameters.get("response_type", "")
    mode, as_jwt = travel_of_errors(requested, response_type, can_sign=rules.openid)
    return Verified(uri, given is not None, mode, state, as_jwt, rules.any_redirect_uri)


# phase 2: an error goes back to the client


def check_size(draft: Draft) -> None:
    """Bound the whole request, as it is stored while the user interacts; each part has its own bound."""
    size = sum(len(name) + len(value) for name, value in draft.parameters.items()) + sum(map(len, draft.resources))
    if size > MAX_REQUEST:
        raise InvalidRequest(f"The request has more than {MAX_REQUEST} characters.")


def check_registration(draft: Draft) -> None:
    """Refuse ``registration``, which is for self-issued providers only (OpenID Connect Core 7.2.1)."""
    if "registration" in draft.parameters:
        raise RegistrationNotSupported("The parameter registration is not supported.")


def check_response_type(draft: Draft) -> None:
    """Keep the response type; the order of its words does not matter (RFC 6749 3.1.1)."""
    requested = draft.parameters.get("response_type")
    if requested is None:
        raise InvalidRequest("The parameter response_type is missing.")
    known = _RESPONSE_TYPES.get(" ".join(sorted(requested.split())))
    if known is None:
        raise UnsupportedResponseType("The response_type is not supported.")
    draft.found["response_type"] = known


def check_response_mode(draft: Draft) -> None:
    """Keep the response mode, or the default one where none is named."""
    response_type: ResponseType = draft.found["response_type"]
    requested = travel(draft.parameters.get("response_mode"), response_type.value, can_sign=draft.rules.openid)
    draft.found["response_mode"], draft.found["as_jwt"] = requested


def check_demands(draft: Draft) -> None:
    """Hold the request to the security profiles of settings and client."""
    draft.rules.demands.check(draft.parameters, draft.found["response_type"], as_jwt=draft.found["as_jwt"])


def check_registered_response_type(draft: Draft) -> None:
    """Check the client's response types, after the demands: what a profile forbids to all clients is ``invalid_request``."""
    response_type: ResponseType = draft.found["response_type"]
    if response_type not in draft.rules.response_types:
        raise UnauthorizedClient(f"The client is not registered for the response_type {response_type.value}.")


def check_state(draft: Draft) -> None:
    """Keep ``state`` as received (RFC 6749 4.1.1)."""
    draft.found["state"] = draft.text("state", MAX_STATE)


def check_scope(draft: Draft) -> None:
    """Keep the scope that the client may have (RFC 6749 3.3)."""
    rules = draft.rules
    allowed = [scope for scope in rules.scopes if rules.openid or scope != OPENID]
    if rules.resource_scopes:
        named = targets.as_registered(draft.resources, rules.resource_scopes)
        allowed += [scope for one in named for scope in rules.resource_scopes.get(one, ())]
    requested = draft.text("scope", 4 * MAX_TEXT)
    if requested and rules.passed_over_scopes:  # where nothing else is requested, it gets the error
        kept = [word for word in requested.split() if word in allowed or word not in rules.passed_over_scopes]
        requested = " ".join(kept) or requested
    draft.found["scope"] = scopes.grantable(requested, allowed, rules.default_scope, rules.unknown_scope)


def check_openid_scope(draft: Draft) -> None:
    """Refuse an ID token without the scope openid (OpenID Connect Core 3.1.2.1)."""
    if "id_token" in draft.found["response_type"].parts and not draft.is_openid:
        raise InvalidScope("An id_token needs the scope openid.")


def check_offline_access(draft: Draft) -> None:
    """Ignore offline_access without a code, as nothing can be refreshed then (OpenID Connect Core 11)."""
    if "code" not in draft.found["response_type"].parts:
        kept = [scope for scope in draft.found["scope"].split() if scope != OFFLINE_ACCESS]
        draft.found["scope"] = " ".join(kept)


def check_pkce(draft: Draft) -> None:
    """Keep the code challenge, which some clients must send (RFC 7636 4.3)."""
    rules = draft.rules
    if "code" not in draft.found["response_type"].parts:
        return
    challenge = draft.parameters.get("code_challenge")
    draft.found["code_challenge"] = challenge
    draft.found["code_challenge_method"] = pkce.check_challenge(
        challenge,
        draft.parameters.get("code_challenge_method"),
        plain_allowed=rules.allow_plain_pkce,
        required=rules.require_pkce,
    )


def check_resource(draft: Draft) -> None:
    """Keep the audience of the requested resources (RFC 8707 section 2.1)."""
    draft.found["audience"] = targets.audience(draft.resources, draft.rules.audiences, draft.rules.default_audience)


def check_nonce(draft: Draft) -> None:
    """Keep the nonce, required where the authorization endpoint returns an ID token (OpenID Connect Core 3.2.2.1, 3.3.2.1)."""
    nonce = draft.text("nonce", MAX_STATE)
    if nonce is None and "id_token" in draft.found["response_type"].parts:
        raise InvalidRequest("The parameter nonce is missing.")
    draft.found["nonce"] = nonce


def check_prompt(draft: Draft) -> None:
    """Keep the prompts; none excludes the others (OpenID Connect Core 3.1.2.1)."""
    words = (draft.text("prompt") or "").split()
    if any(word not in _PROMPTS for word in words):
        offered = "none, login, consent, select_account" + (", create" if draft.rules.sign_up else "")
        raise InvalidRequest(f"The prompt is not supported: use {offered}.")
    if Prompt.NONE in words and len(set(words)) > 1:
        raise InvalidRequest("prompt=none cannot be combined with another prompt.")
    if Prompt.CREATE in words and not draft.rules.sign_up:
        raise InvalidRequest("prompt=create is not supported: people cannot sign up here.")
    draft.found["prompt"] = tuple(Prompt(word) for word in dict.fromkeys(words))


def check_max_age(draft: Draft) -> None:
    """Keep the maximum age of a login in seconds (OpenID Connect Core 3.1.2.1), also for plain OAuth (RFC 9470)."""
    given = draft.parameters.get("max_age")
    max_age = draft.rules.default_max_age if given is None else whole_number(given)
    if given is not None and max_age is None:
        raise InvalidRequest("max_age must be a number of seconds.")
    draft.found["max_age"] = max_age


def check_acr_values(draft: Draft) -> None:
    """Keep the authentication contexts that the client prefers, also for plain OAuth (RFC 9470 section 5)."""
    words = draft.text("acr_values")
    draft.found["acr_values"] = tuple(words.split()) if words else draft.rules.default_acr_values


def check_grant_management(draft: Draft) -> None:
    """Refuse to merge or replace grants, as each request starts a new one (Grant Management for OAuth 2.0)."""
    if not draft.rules.grant_management:
        return
    if draft.parameters.get("grant_management_action", "create") != "create":
        raise InvalidRequest("The grant_management_action is not supported: use create.")
    if "grant_id" in draft.parameters:
        raise InvalidRequest("grant_id goes with merge and replace, which are not supported.")


def check_claims(draft: Draft) -> None:
    """Keep the claims that are requested one by one (OpenID Connect Core 5.5)."""
    draft.found["claims"] = claims.parse(draft.parameters.get("claims"))


def check_acr(draft: Draft) -> None:
    """Refuse an essential acr that no login here can have (OpenID Connect Core 5.5.1.1)."""
    requested: ClaimsRequest = draft.found["claims"]
    acr = requested.id_token.get("acr")
    here = draft.rules.acrs
    if acr is not None and acr.essential and here is not None and not any(map(acr.accepts, here)):
        raise UnmetAuthenticationRequirements("No authentication here has the acr that is asked for.")


def check_hints(draft: Draft) -> None:
    """Keep the hints at the user; an ID token is verified later, where the keys are."""
    draft.found["id_token_hint"] = draft.text("id_token_hint", 16 * MAX_TEXT)
    draft.found["login_hint"] = draft.text("login_hint")


def check_appearance(draft: Draft) -> None:
    """Keep preferences for the pages, which never fail a request (OpenID Connect Core 3.1.2.1)."""
    languages = (draft.text("ui_locales") or "").split()
    draft.text("claims_locales")
    draft.found["ui_locales"] = tuple(word for word in languages if _LANGUAGE.fullmatch(word))[:MAX_LANGUAGES]
    display = draft.text("display")
    draft.found["display"] = display if display in _DISPLAYS else "page"


Check = Callable[[Draft], None]

CHECKS: tuple[Check, ...] = (
    check_size,
    check_registration,
    check_response_type,
    check_response_mode,
    check_demands,
    check_registered_response_type,
    check_state,
    check_scope,
    check_openid_scope,
    check_offline_access,
    check_pkce,
    check_resource,
    check_appearance,
    check_prompt,
    check_max_age,
    check_acr_values,
    check_grant_management,
)
"""The checks of every request, in this order: later ones use the results of earlier ones."""

OPENID_CHECKS: tuple[Check, ...] = (
    check_nonce,
    check_claims,
    check_acr,
    check_hints,
)
"""The further checks of OpenID Connect requests, where the scope openid is granted."""


def check(
    parameters: Mapping[str, str], resources: tuple[str, ...], rules: Rules, verified: Verified
) -> AuthorizationRequest:
    """Return the checked request. Raises the errors of RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6."""
    draft = Draft(parameters, resources, rules)
    for run in CHECKS:
        run(draft)
    if draft.is_openid:
        for run in OPENID_CHECKS:
            run(draft)
    return AuthorizationRequest(
        client_id=rules.client_id,
        redirect_uri=verified.redirect_uri,
        redirect_uri_given=verified.redirect_uri_given,
        redirect_uri_pushed=verified.redirect_uri_pushed,
        **draft.found,
    )
