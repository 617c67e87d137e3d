"""A new client, step by step: the kind of application decides the fields, and every choice is explained."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from service.admin.errors import AdminError, NotFound
from service.admin.operations import clients, scopes
from service.client_auth import METHODS
from service.fronts.console import client_fields as fields
from service.fronts.console.clients import secret_page
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Show
from service.protocol.names import ClientAuthMethod as Method
from service.protocol.names import GrantTypeName
from service.protocol.names import SigningAlgorithm as Algorithm

_CODE, _REFRESH, _CLIENT = "authorization_code", "refresh_token", "client_credentials"
_DEVICE = GrantTypeName.DEVICE_CODE.value


class ApplicationKind(NamedTuple):
    """A kind of application, which determines most members of its client."""

    title: str
    text: str
    examples: str
    given: Mapping[str, Any]
    """The members of the client that it determines."""
    gets: tuple[tuple[str, str], ...]
    """The features of the client, each with an explanation."""
    methods: tuple[Method, ...]
    """The authentication methods of its client, the default first."""
    asks: tuple[str, ...]
    """The names of the fields in its form."""


_ID_TOKENS = "id_token_signed_response_alg"
_PEOPLE = ("redirect_uris", "scopes", "audiences", "post_logout_redirect_uris", "skip_consent", _ID_TOKENS)
_SIGNATURES = fields.FIELDS[_ID_TOKENS]._replace(
    label="Signature of ID tokens",
    hint="ES256 is suggested: it is thirteen times cheaper to make. Choose it if the application's library verifies it; "
    "most do, though many need a setting for it.",
    choices={
        Algorithm.RS256.value: "RS256: every library takes it",
        Algorithm.ES256.value: "ES256: suggested",
    },
)
"""The field with the two algorithms that matter to a beginner; the others are under Edit."""
KINDS = {
    "web": ApplicationKind(
        "Web application",
        "Users sign in with a browser, and a server of yours gets the tokens. It can keep a secret.",
        "Django, Rails, Next.js with a server, a portal",
        {"grant_types": (_CODE, _REFRESH), "require_pkce": True},
        (
            (
                "authorization_code with PKCE",
                "Users sign in here, never in the application; the code alone is of no use.",
            ),
            (
                "refresh_token",
                "Users stay signed in without a question. Each refresh replaces the token, so a stolen one is noticed.",
            ),
        ),
        (Method.CLIENT_SECRET, Method.PRIVATE_KEY_JWT),
        _PEOPLE,
    ),
    "app": ApplicationKind(
        "Single-page or mobile app",
        "Runs where its users are: in a browser or on a phone. Whatever is in it, they can read.",
        "React, Vue, iOS, Android, a desktop program",
        {"grant_types": (_CODE, _REFRESH), "require_pkce": True},
        (
            ("authorization_code with PKCE", "Each sign-in has a secret of its own, made on the spot."),
            ("refresh_token", "Replaced at each use; a second use of an old one ends the grant."),
            ("No client secret", "It could not be kept: everybody who has the app would have it."),
        ),
        (Method.NONE,),
        (*_PEOPLE, "application_type"),
    ),
    "device": ApplicationKind(
        "Device without a browser",
        "Shows a short code, which its user enters on a phone. Whatever is in it, others can read.",
        "A television, a printer, a command line on a server",
        {"grant_types": (_DEVICE, _REFRESH)},
        (
            (
                "device_code",
                "It polls until its user has signed in and agreed elsewhere; they are warned and asked each time.",
            ),
            ("refresh_token", "Replaced at each use; a second use of an old one ends the grant."),
        ),
        (Method.NONE, Method.CLIENT_SECRET),
        ("scopes", "audiences", _ID_TOKENS),
    ),
    "service": ApplicationKind(
        "Service or job",
        "A program that calls APIs in its own name, with no user behind it.",
        "A nightly job, a worker, another backend",
        {"grant_types": (_CLIENT,)},
        (
            ("client_credentials", "It trades its secret for short-lived access tokens, and asks again when they end."),
            ("No refresh token", "It is not needed: the client can always ask anew."),
        ),
        (Method.CLIENT_SECRET, Method.PRIVATE_KEY_JWT),
        ("scopes", "audiences", "access_token_lifetime"),
    ),
    "api": ApplicationKind(
        "API (resource server)",
        "Gets tokens from others and asks here what they are. It needs no tokens itself.",
        "A REST API, a gateway",
        {"grant_types": (), "introspect": True},
        (
            ("Introspection", "Asks what a token is: whose, for what, until when, and whether it was revoked."),
            ("Only its own", "It sees tokens whose audience it is, and no others."),
        ),
        (Method.CLIENT_SECRET, Method.PRIVATE_KEY_JWT),
        ("resources",),
    ),
}
_WORD = re.compile("[^a-z0-9]+")


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show the kinds, or the form of one."""
    name = request.get("kind")
    if not name:
        return Show("client_kinds", {"here": "clients", "kinds": KINDS})
    kind = _kind(name)
    return Show("client_new", await _form(request, name, kind, fields.sent({}, kind.asks) | _fresh(name, kind)))


async def create(request: ConsoleRequest) -> ConsoleReply:
    """Create the client and show its secret, once; or show the form again with its faults."""
    name, sent = request.get("kind"), request.parameters
    kind = _kind(name)
    client_id = request.get("client_id") or _suggested(request.get("name"))
    try:
        given = fields.members(sent, kind.asks) | {
            **{"client_id": client_id, "name": request.get("name"), "auth_method": request.get("auth_method")},
            **{"jwks_uri": request.get("jwks_uri") or None},
            **kind.given,
        }
        made = await request.do(clients.CREATE, **given)
    except AdminError as error:
        again = fields.sent(sent, kind.asks) | {
            field: request.get(field) for field in ("client_id", "name", "auth_method", "jwks_uri")
        }
        return Show("client_new", await _form(request, name, kind, again, fields.faults_of(error)), 422)
    return Show("secret", secret_page(request, made, created=True))


def _kind(name: str) -> ApplicationKind:
    if name not in KINDS:
        raise NotFound("there is no such kind of client")
    return KINDS[name]


def _fresh(name: str, kind: ApplicationKind) -> dict[str, Any]:
    """Return the values of an empty form, with the usual choices made."""
    values = {"client_id": "", "name": "", "auth_method": kind.methods[0].value, "jwks_uri": ""}
    if "application_type" in kind.asks:
        values["application_type"] = "web"
    if _ID_TOKENS in kind.asks:
        values[_ID_TOKENS] = Algorithm.RS256.value
    return values | ({"scopes": "openid profile email"} if name in ("web", "app", "device") else {})


async def _form(
    request: ConsoleRequest,
    name: str,
    kind: ApplicationKind,
    values: Mapping[str, Any],
    faults: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "here": "clients",
        "kind_name": name,
        "kind": kind,
        "values": values,
        "faults": faults or {},
        "asks": _fields_of(request, kind),
        "methods": {method.value: METHODS[method].help for method in kind.methods},
        "known_scopes": [scope["scope"] for scope in (await request.do(scopes.LIST))["scopes"]],
    }


def _fields_of(request: ConsoleRequest, kind: ApplicationKind) -> list[fields.Field]:
    """Return the fields of the form; that of the signing algorithm only where there is a choice."""
    keyring = request.issuer.keyring
    has_choice = keyring is not None and {Algorithm.RS256, Algorithm.ES256} <= set(keyring.algorithms)
    found = [_SIGNATURES if name == _ID_TOKENS else fields.FIELDS[name] for name in kind.asks]
    return [field for field in found if field is not _SIGNATURES or has_choice]


def _suggested(name: str) -> str:
    """Return a client_id derived from the name: readable in logs, and unique by its random part."""
    word = _WORD.sub("-", name.lower()).strip("-")[:40]
    return f"{word or 'client'}-{secrets.token_hex(3)}"


PAGES = (ConsolePage("/clients/new", get=show, post=create),)
