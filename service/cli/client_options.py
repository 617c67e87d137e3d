"""One option of ``mintmark client create`` and ``update`` for each member of ``admin.clients.ClientInput``."""

import inspect
import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.cli.properties import PropertyTexts, read_properties
from service.grants import GRANT_TYPES
from service.protocol.names import (
    AccessTokenFormat,
    ApplicationType,
    ClientAuthMethod,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
    SubjectType,
)

_WHO, _MAY, _LIFE = "Who it is", "What it may do", "How long, how often"
_OPENID, _KEYS, _OUT = "OpenID Connect", "Keys and signed requests", "Signing out"


def _option(kind: Any, panel: str, metavar: str, text: str, *flags: str) -> Any:
    """An option that may be left out. ``flags``: where it is not called like the member."""
    option = typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=panel)
    return Annotated[kind | None, option]


MEMBERS: dict[str, Any] = {
    "name": _option(str, _WHO, "TEXT", "For people."),
    "description": _option(str, _WHO, "TEXT", "For people."),
    "alias": _option(str, _WHO, "ID", "A second client_id: works wherever the first does."),
    "auth_method": _option(
        *(ClientAuthMethod, _WHO, "METHOD"),
        f"How it proves itself: {', '.join(ClientAuthMethod)} (a public client). Unless said: client_secret_basic.",
    ),
    "grant_types": _option(
        list[str], _MAY, "TYPE", f"One of {', '.join(GRANT_TYPES)}. May be repeated.", "--grant-type"
    ),
    "redirect_uris": _option(
        *(list[str], _MAY, "URI"),
        "Where codes may be sent: https, http on loopback, or an app's own scheme. May be repeated.",
        "--redirect-uri",
    ),
    "scopes": _option(list[str], _MAY, "SCOPES", 'Scopes it may have: "read write". May be repeated.', "--scope"),
    "default_scope": _option(str, _MAY, "SCOPES", "What it gets where it asks for no scope: some of --scope."),
    "audiences": _option(
        *(list[str], _MAY, "RESOURCE"),
        "An API that it calls, by the name that the API goes by (a URI or a word): its access tokens name it, and the API "
        "takes no others. May be repeated.",
        "--audience",
    ),
    "introspect": _option(
        *(bool, _MAY, ""),
        "It is an API (resource server): it may introspect the tokens that clients bring to it.",
        "--introspect",
    ),
    "resources": _option(
        *(list[str], _MAY, "RESOURCE"),
        "Of an API with --introspect: a name that it goes by. It may introspect the tokens of clients that have this name as "
        "--audience. May be repeated.",
        "--resource",
    ),
    "properties": PropertyTexts,
    "require_pkce": _option(
        bool, _MAY, "", "Codes need a PKCE challenge, as those of public clients do.", "--require-pkce"
    ),
    "allow_plain_pkce": _option(bool, _MAY, "", "PKCE without hash, for old clients. Don't.", "--allow-plain-pkce"),
    "code_lifetime": _option(int, _LIFE, "SECONDS", "Of authorization codes."),
    "access_token_lifetime": _option(int, _LIFE, "SECONDS", "Of access tokens."),
    "refresh_idle_lifetime": _option(int, _LIFE, "SECONDS", "Of refresh tokens since their last use; 0 = never."),
    "refresh_absolute_lifetime": _option(int, _LIFE, "SECONDS", "Of refresh tokens since the grant began; 0 = never."),
    "refresh_limit": _option(int, _LIFE, "TIMES", "How often a grant can be refreshed; 0 = no refresh token."),
    "refresh_rotation": _option(
        *(RefreshRotation, _LIFE, "WHEN"),
        f"Whether a refresh replaces the refresh token: {', '.join(RefreshRotation)}.",
    ),
    "refresh_grace": _option(
        int, _LIFE, "SECONDS", "A refresh repeated within it gets the same answer again; 0 to 300."
    ),
    "id_token_lifetime": _option(int, _LIFE, "SECONDS", "Of ID tokens."),
    "default_max_age": _option(int, _LIFE, "SECONDS", "A login older than that is asked for again."),
    "response_types": _option(
        *(list[ResponseType], _OPENID, "TYPE"),
        "What the authorization endpoint may hand out. Unless said: code. May be repeated.",
        "--response-type",
    ),
    "application_type": _option(ApplicationType, _OPENID, "TYPE", "web or native."),
    "skip_consent": _option(
        bool, _OPENID, "", "An application of your own: nobody is asked to agree.", "--skip-consent"
    ),
    "subject_type": _option(SubjectType, _OPENID, "TYPE", "public, or pairwise: nobody can compare whom they know."),
    "sector_identifier_uri": _option(
        str, _OPENID, "URL", "A list of redirect URIs that share pairwise subjects.", "--sector-uri"
    ),
    "id_token_signed_response_alg": _option(SigningAlgorithm, _OPENID, "ALG", "Unless said: RS256.", "--id-token-alg"),
    "userinfo_signed_response_alg": _option(
        SigningAlgorithm, _OPENID, "ALG", "UserInfo as a JWT. Unless said: JSON.", "--userinfo-alg"
    ),
    "require_auth_time": _option(
        bool, _OPENID, "", "ID tokens always say when somebody signed in.", "--require-auth-time"
    ),
    "default_acr_values": _option(list[str], _OPENID, "ACR", "Asked for where a request names none.", "--default-acr"),
    "initiate_login_uri": _option(str, _OPENID, "URL", "Where others may send people to begin a login."),
    "client_uri": _option(str, _OPENID, "URL", "Its home page, linked when somebody signs in."),
    "logo_uri": _option(str, _OPENID, "URL", "Its logo, shown when somebody signs in."),
    "policy_uri": _option(str, _OPENID, "URL", "Its privacy policy, linked when somebody signs in."),
    "tos_uri": _option(str, _OPENID, "URL", "Its terms of service, linked when somebody signs in."),
    "contacts": _option(list[str], _OPENID, "TEXT", "Whom to ask about it. May be repeated.", "--contact"),
    "jwks": _option(str, _KEYS, "JSON", "Its public keys, a JWK set."),
    "jwks_uri": _option(str, _KEYS, "URL", "Where its public keys are."),
    "request_object_signing_alg": _option(
        SigningAlgorithm, _KEYS, "ALG", "What its requests are signed with.", "--request-alg"
    ),
    "may_assert_subjects": _option(
        bool,
        _MAY,
        "",
        "It may assert subjects: assertions signed by its own key buy tokens of any user (jwt-bearer). For few.",
        "--may-assert-subjects",
    ),
    "access_token_format": _option(
        *(AccessTokenFormat, _MAY, "FORMAT"),
        "opaque, jwt, both (the JWT as access_token_jwt), or stateless: a JWT that is kept nowhere and cannot be revoked "
        "one by one, for client_credentials. Unless said: as its resource wants it, else opaque.",
    ),
    "access_token_signing_alg": _option(
        SigningAlgorithm, _MAY, "ALG", "Of JWT access tokens. Unless said: RS256.", "--access-token-alg"
    ),
    "access_token_claims": _option(
        *(list[str], _MAY, "CLAIM"),
        "A claim about the person that its access tokens tell, and their introspection: department. May be repeated.",
        "--access-token-claim",
    ),
    "introspection_signed_response_alg": _option(
        SigningAlgorithm, _MAY, "ALG", "Of introspection as a JWT. Unless said: RS256.", "--introspection-alg"
    ),
    "token_endpoint_auth_signing_alg": _option(
        *(
            str,
            _KEYS,
            "ALG",
            "What it signs assertions with, by which it proves itself. Unless said: any of its method.",
        ),
        "--auth-alg",
    ),
    "strict_assertion_audience": _option(
        bool, _KEYS, "", "Its assertions must name the issuer and nothing else.", "--strict-audience"
    ),
    "require_signed_request_object": _option(bool, _KEYS, "", "Only signed requests count.", "--signed-requests-only"),
    "request_uris": _option(
        list[str], _KEYS, "URL", "Where signed requests may be fetched. May be repeated.", "--request-uri"
    ),
    "post_logout_redirect_uris": _option(
        list[str],
        _OUT,
        "URI",
        "Where people may be sent after signing out. May be repeated.",
        "--post-logout-uri",
    ),
    "backchannel_logout_uri": _option(str, _OUT, "URL", "Is told when a session ends, by us.", "--backchannel-uri"),
    "backchannel_logout_session_required": _option(
        bool, _OUT, "", "It needs to know which session.", "--backchannel-session"
    ),
    "frontchannel_logout_uri": _option(
        str, _OUT, "URL", "Is loaded by the browser when a session ends.", "--frontchannel-uri"
    ),
    "frontchannel_logout_session_required": _option(
        bool, _OUT, "", "It needs to know which session.", "--frontchannel-session"
    ),
}
"""In the order of help."""


def with_option_for_each_member(command: Callable[..., None]) -> Callable[..., None]:
    """Put ``MEMBERS`` into a command's signature, which is where typer looks for options."""
    own = inspect.signature(command)
    kept = [parameter for parameter in own.parameters.values() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in MEMBERS.items()
    ]
    command.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    command.__annotations__ = command.__annotations__ | MEMBERS
    return command


def given(members: dict[str, Any]) -> dict[str, Any]:
    """The members that an option was given for, as ``ClientInput`` reads them. Raises BadParameter."""
    said = {name: value for name, value in members.items() if value is not None}
    if "properties" in said:
        said["properties"] = read_properties(said["properties"])
    if "scopes" in said:
        said["scopes"] = [word for text in said["scopes"] for word in text.split()]
    if "jwks" in said:
        said["jwks"] = read_json("--jwks", said["jwks"])
    return said


def read_json(option: str, text: str | None) -> Any:
    """The value of an option that takes JSON. Raises BadParameter."""
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: not JSON: {error}") from error
