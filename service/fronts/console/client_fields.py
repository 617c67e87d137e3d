"""The form of a client: one table of fields, read and shown alike."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from service.admin import Refused
from service.grants import GRANT_TYPES
from service.protocol.names import (
    AccessTokenFormat,
    ApplicationType,
    ClientAuthMethod,
    RefreshRotation,
    SigningAlgorithm,
    SubjectType,
)

AUTH_METHODS = {
    ClientAuthMethod.CLIENT_SECRET_BASIC: "A secret in the Authorization header. The usual choice for anything on a server.",
    ClientAuthMethod.CLIENT_SECRET_POST: "The same secret in the form, for libraries that cannot do it otherwise.",
    ClientAuthMethod.CLIENT_SECRET_JWT: "Signs a short-lived JWT with the secret, which never travels. Needs master_key here.",
    ClientAuthMethod.PRIVATE_KEY_JWT: "Signs with a key pair of its own; we only know the public key. The strongest.",
    ClientAuthMethod.NONE: "Proves nothing, since it cannot keep a secret: browsers and phones. PKCE protects its codes.",
}
GRANT_TEXTS = {
    "authorization_code": "People sign in with a browser, and the client gets a code for tokens.",
    "refresh_token": "New access tokens without asking the person again.",
    "client_credentials": "Tokens for the client itself, with nobody behind it.",
    "password": "The client sees people's passwords. For old clients only.",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "Tokens for the word of a trusted issuer.",
}


class Kind(StrEnum):
    """How a field is written."""

    TEXT = "text"
    LONG = "long"
    LINES = "lines"
    WORDS = "words"
    NUMBER = "number"
    CHECK = "check"
    CHOICE = "choice"
    CHOICES = "choices"
    JSON = "json"


class Field(NamedTuple):
    """``name``: of the member in ``ClientInput``; ``choices``: value → text, "" = as the settings have it."""

    name: str
    label: str
    hint: str = ""
    kind: Kind = Kind.TEXT
    choices: Mapping[str, str] = {}


class Group(NamedTuple):
    """Fields that belong together; ``folded``: few need them."""

    heading: str
    fields: tuple[Field, ...]
    folded: bool = False


def _default(values: Iterable[str]) -> dict[str, str]:
    return {"": "Default", **{value: value for value in values}}


GROUPS = (
    Group(
        "What it is",
        (
            Field("name", "Name", "What people read when they are asked for consent."),
            Field("description", "Description", "For operators: whose it is, what for.", Kind.LONG),
            Field("alias", "Alias", "A second name that it may call itself by."),
        ),
    ),
    Group(
        "What it may do",
        (
            Field(
                "grant_types",
                "Grant types",
                "",
                Kind.CHOICES,
                {name: GRANT_TEXTS.get(name, "") for name in GRANT_TYPES},
            ),
            Field("scopes", "Scopes", "What it may ask for, with blanks between.", Kind.WORDS),
            Field("default_scope", "Default scope", "What it gets where it asks for nothing in particular."),
            Field(
                "audiences",
                "Audiences",
                "The APIs that it calls, by name (https://api.example.com), one a line: they refuse other tokens.",
                Kind.LINES,
            ),
            Field("introspect", "May introspect", "It is an API that asks what tokens are.", Kind.CHECK),
            Field(
                "resources",
                "Serves resources",
                "The names of this API, one a line: clients that call it have the same under Audiences.",
                Kind.LINES,
            ),
        ),
    ),
    Group(
        "How it proves itself",
        (
            Field(
                "auth_method",
                "Authentication",
                "Without a secret it loses the one it has; one that needs a new one gets it by rotating.",
                Kind.CHOICE,
                {method.value: method.value for method in AUTH_METHODS},
            ),
            Field("jwks_uri", "Key set URL", "Where its public keys are (private_key_jwt, signed requests)."),
            Field("jwks", "Key set", "Or the public keys themselves, a JWK set.", Kind.JSON),
            Field("require_pkce", "Requires PKCE", "Public clients always need it.", Kind.CHECK),
        ),
    ),
    Group(
        "Signing people in",
        (
            Field(
                "redirect_uris",
                "Redirect URIs",
                "Where people come back to, compared letter by letter; one a line.",
                Kind.LINES,
            ),
            Field(
                "post_logout_redirect_uris",
                "After signing out",
                "Where people may be sent then, one a line.",
                Kind.LINES,
            ),
            Field(
                "backchannel_logout_uri",
                "Back-channel logout URL",
                "Told from server to server when somebody signs out.",
            ),
            Field("skip_consent", "Skips consent", "Your own application: nobody is asked.", Kind.CHECK),
            Field(
                "application_type",
                "Application type",
                "",
                Kind.CHOICE,
                {one.value: one.value for one in ApplicationType},
            ),
            Field(
                "subject_type",
                "Subjects",
                "pairwise: nobody can compare whom clients know.",
                Kind.CHOICE,
                {one.value: one.value for one in SubjectType},
            ),
            Field("logo_uri", "Logo URL"),
            Field("client_uri", "Home page URL"),
            Field("policy_uri", "Privacy policy URL"),
            Field("tos_uri", "Terms of service URL"),
        ),
        folded=True,
    ),
    Group(
        "Tokens",
        (
            Field(
                "access_token_lifetime", "Access tokens live", "Seconds; empty = as the settings have it.", Kind.NUMBER
            ),
            Field("refresh_idle_lifetime", "Refresh tokens, unused", "Seconds; 0 = for ever.", Kind.NUMBER),
            Field("refresh_absolute_lifetime", "Refresh tokens, at most", "Seconds; 0 = for ever.", Kind.NUMBER),
            Field("refresh_limit", "Refreshes", "How often; empty = without limit.", Kind.NUMBER),
            Field(
                "refresh_rotation",
                "Rotation",
                "Whether a refresh replaces the refresh token.",
                Kind.CHOICE,
                _default(RefreshRotation),
            ),
            Field("access_token_format", "Access token format", "", Kind.CHOICE, _default(AccessTokenFormat)),
            Field(
                "access_token_signing_alg",
                "Signed with",
                "Where they are JWTs.",
                Kind.CHOICE,
                _default(SigningAlgorithm),
            ),
            Field(
                "access_token_claims",
                "Claims in access tokens",
                "What they and their introspection tell about the person, as the user's claims are called; one a line.",
                Kind.LINES,
            ),
            Field("id_token_signed_response_alg", "ID tokens signed with", "", Kind.CHOICE, _default(SigningAlgorithm)),
        ),
        folded=True,
    ),
)
FIELDS = {field.name: field for group in GROUPS for field in group.fields}
_LISTS = (Kind.LINES, Kind.WORDS, Kind.CHOICES)


def written(described: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A client's members as the form shows them: texts, a set of chosen values, or whether it is checked."""
    return {name: _written(FIELDS[name], described[name]) for name in names}


def _written(field: Field, value: Any) -> Any:
    match field.kind:
        case Kind.LINES:
            return "\n".join(value)
        case Kind.WORDS:
            return " ".join(value)
        case Kind.CHOICES:
            return set(value)
        case Kind.CHECK:
            return bool(value)
        case Kind.JSON:
            return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""
        case _:
            return "" if value is None else str(value)


def sent(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """The same from a form, to be shown again where something was wrong."""
    return {name: _sent(FIELDS[name], parameters) for name in names}


def _sent(field: Field, parameters: Mapping[str, str]) -> Any:
    if field.kind is Kind.CHOICES:
        return {value for value in field.choices if f"{field.name}.{value}" in parameters}
    if field.kind is Kind.CHECK:
        return field.name in parameters
    return parameters.get(field.name, "")


def members(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Members of ``ClientInput`` from a form. Raises Refused for what is no number or no JSON."""
    return {name: _member(FIELDS[name], _sent(FIELDS[name], parameters)) for name in names}


def changes(described: Mapping[str, Any], parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Members whose fields were touched: the others stay as they are, even where a form cannot show all of them.

    Raises Refused for what is no number or no JSON.
    """
    touched = differing(described, parameters, names)
    changed = members(parameters, touched)
    for name in touched:
        if FIELDS[name].kind is Kind.CHOICES:  # what is not offered is not taken away
            changed[name] += tuple(one for one in described[name] if one not in FIELDS[name].choices)
    return changed


def _settled(field: Field, value: Any) -> Any:
    """Without the difference that a form makes: blanks, how lines end, and choices that it does not offer."""
    if isinstance(value, set):
        return value & set(field.choices)
    return value.split() if isinstance(value, str) else value


def differing(described: Mapping[str, Any], parameters: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """The fields that say another thing than the client does."""
    return [
        name
        for name in names
        if _settled(FIELDS[name], _written(FIELDS[name], described[name]))
        != _settled(FIELDS[name], _sent(FIELDS[name], parameters))
    ]


def _member(field: Field, value: Any) -> Any:
    match field.kind:
        case Kind.LINES:
            return tuple(line.strip() for line in value.splitlines() if line.strip())
        case Kind.WORDS:
            return tuple(value.split())
        case Kind.CHOICES:
            return tuple(one for one in field.choices if one in value)
        case Kind.CHECK:
            return value
        case Kind.NUMBER:
            return _number(field, value.strip())
        case Kind.JSON:
            return _json(field, value)
        case _:
            text = " ".join(value.split()) if field.kind is Kind.LONG else value.strip()
            return text if text or field.name in ("name", "description") else None


def _number(field: Field, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Refused(f"{field.name}: must be a whole number")
    return int(text)


def _json(field: Field, text: str) -> Any:
    if not text.strip():
        return None
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise Refused(f"{field.name}: is not JSON") from error


def faults_of(error: Exception) -> dict[str, str]:
    """The faults by the name of the field that they are about; "" for all else."""
    faults: dict[str, str] = {}
    for line in str(error).splitlines():
        where, _, text = line.partition(": ")
        name = where.partition(".")[0]
        if name not in FIELDS and name != "client_id":
            name, text = "", line
        faults[name] = f"{faults[name]} {text}" if name in faults else text
    return faults
