"""One option of ``mintmark client create`` and ``update`` for each member of ``admin.clients.ClientInput``."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.cli.properties import PropertyTexts, read_properties
from service.grants import GRANT_TYPES
from service.protocol.names import ClientAuthMethod, RefreshRotation

_WHO, _MAY, _LIFE = "Who it is", "What it may do", "How long, how often"


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
        "A resource that its tokens are for: a URI or a name. May be repeated.",
        "--audience",
    ),
    "introspect": _option(
        *(bool, _MAY, ""),
        "It is a resource server: it may introspect tokens of others whose audience it is.",
        "--introspect",
    ),
    "resources": _option(
        *(list[str], _MAY, "RESOURCE"),
        "An audience that it serves, so whose tokens it may introspect. May be repeated.",
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
    return said
