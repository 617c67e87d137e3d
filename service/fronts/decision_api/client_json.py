"""Conversion of a client from and to Authlete's Client object.

Their object has members for features that we lack (attestation, credentials …). These are refused unless empty, so that no
client seems safer than it is. Our members that theirs lacks (audiences, the introspect right …) stay unchanged.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec
import orjson
from pydantic import BeforeValidator, Field, create_model

from service.admin.client_numbers import number_of, own_number
from service.admin.errors import InvalidInput
from service.client_auth import registered_name, resumed_method
from service.fronts.decision_api.body import Duration, Text, Words, as_json
from service.fronts.decision_api.call import Body, milliseconds
from service.issuer import Issuer
from service.protocol.client_member import MemberValue, Row, Shape
from service.protocol.client_metadata import ROWS
from service.protocol.names import ClientAuthMethod, GrantTypeName
from service.records.client import Client
from service.records.property import Property

_UNDERSCORES = str.maketrans(" -+", "___")


def enum_name(word: str) -> str:
    """Return a registered word in Authlete's spelling: ``AUTHORIZATION_CODE``, ``CODE_ID_TOKEN``, ``JWT_BEARER``."""
    return word.rpartition(":")[2].upper().translate(_UNDERSCORES)


def _by_enum_name(words: Iterable[str]) -> dict[str, str]:
    return {enum_name(word): str(word) for word in words}


WORD_OF_GRANT_TYPE = _by_enum_name(one.value for one in GrantTypeName)
_WORD_OF_AUTH_METHOD = _by_enum_name(one.value for one in ClientAuthMethod)

_OF_THEIR_OWN = {"name", "alias", "auth_method", "allow_plain_pkce", "properties"}
"""Members with their own code here, as those of the extension have."""
_ROWS = tuple(
    row
    for row in ROWS.values()
    if row.member.authlete and "." not in row.member.authlete and row.name not in _OF_THEIR_OWN
)
"""Members without their own code."""
_WORDS = {row.name: _by_enum_name(row.choices) for row in _ROWS if row.choices} | {"grant_types": WORD_OF_GRANT_TYPE}
"""For members whose values are registered words: the words, by their names in Authlete's enumerations."""


# to them


async def describe(issuer: Issuer, client: Client) -> dict[str, Any]:
    """Return the client for callers, without secrets. ``clientId`` is its number, ``clientIdAlias`` its client_id."""
    described = {row.member.authlete: _to_them(row, getattr(client, row.name)) for row in _ROWS}
    described |= {
        "clientId": await number_of(issuer, client),
        "clientIdAlias": alias_of(client),
        "clientIdAliasEnabled": True,
        "clientName": client.name or client.client_id,
        "clientType": "PUBLIC" if client.public else "CONFIDENTIAL",
        "tokenAuthMethod": method_name(client),
        "derivedSectorIdentifier": client.sector_identifier or None,
        "pkceS256Required": not client.allow_plain_pkce,
        "createdAt": milliseconds(client.created_at),
        "dynamicallyRegistered": client.registration is not None,
        "locked": not client.enabled,
        "extension": {
            "requestableScopesEnabled": True,
            "requestableScopes": list(client.scopes),
            "accessTokenDuration": client.access_token_lifetime or 0,
            "refreshTokenDuration": client.refresh_idle_lifetime or 0,
            "accessTokenClaims": list(client.access_token_claims),
            "idTokenClaims": list(client.id_token_claims),
        },
        "attributes": [
            {"key": member.name, "value": member.value} for member in client.properties if isinstance(member.value, str)
        ],
    }
    software = client.registration.metadata if client.registration else {}
    described |= {"softwareId": software.get("software_id"), "softwareVersion": software.get("software_version")}
    return {name: value for name, value in described.items() if value not in (None, "")}


def alias_of(client: Client) -> str | None:
    """Return the second name of a client after its number: its client_id or, where that is the number, its alias (AU-26)."""
    return client.alias if own_number(client.client_id) is not None else client.client_id


async def client_members(issuer: Issuer, client: Client, presented: str | None = None) -> dict[str, Any]:
    """Return the members that name a client in answers (AU-25 to AU-27).

    Args:
        issuer: The issuer.
        client: The client.
        presented: The client_id in the request; None: not known, so the client's own is used.
    """
    number = await number_of(issuer, client)
    name = client.client_id if presented is None else presented
    return {"clientId": number, "clientIdAlias": alias_of(client), "clientIdAliasUsed": name != str(number)}


def method_name(client: Client) -> str:
    """Return the client's authentication method (AU-33), in Authlete's spelling."""
    return enum_name(registered_name(client.auth_method))


def _to_them(row: Row, value: MemberValue) -> MemberValue:
    if row.shape is Shape.OBJECT:
        return orjson.dumps(value).decode() if value else None
    has_same_names = row.name.endswith(("signing_alg", "signed_response_alg"))
    is_named = row.name in _WORDS and not has_same_names
    if isinstance(value, tuple):
        return [enum_name(one) if is_named else one for one in value]
    return enum_name(value) if is_named and value else value


# from them


class Extension(Body):
    """The extension of a Client object."""

    requestable_scopes_enabled: bool = False
    requestable_scopes: Words = ()
    """Used only where they are enabled; otherwise the client gets the scopes that the service offers for registration."""
    access_token_duration: Duration = 0
    refresh_token_duration: Duration = 0
    access_token_claims: Words | None = None
    id_token_claims: Words | None = None
    """Like ``accessTokenClaims`` a member that Authlete does not have; left out: unchanged."""


class Attribute(Body):
    """One of the client's properties."""

    key: Annotated[str, Field(min_length=1, max_length=255)]
    value: Text = ""


Attributes = Annotated[tuple[Attribute, ...], Field(max_length=100)]


NOT_HERE = """
    self_signed_certificate_key_id
    front_channel_request_object_encryption_required single_access_token_per_subject rs_request_signed
    fapi_modes credential_response_encryption_required
""".split()  # noqa: SIM905 (a table)
"""Members for features that we lack."""


class ClientObject(Body):
    """A Client object. ``client_id``, ``locked``, times and derived members are ignored, as only we set them."""

    client_id_alias: Text = ""
    client_secret: Text = ""
    client_type: Text = ""
    token_auth_method: Text = ""
    client_name: Text = ""
    pkce_s256_required: bool = False
    extension: Annotated[Extension | None, BeforeValidator(as_json)] = None
    attributes: Annotated[Attributes | None, BeforeValidator(as_json)] = None
    UNSUPPORTED: ClassVar[Mapping[str, str]] = dict.fromkeys(NOT_HERE, "this is not offered here; leave it out")
    CORE_NAMES: ClassVar[Mapping[str, str]] = {
        row.name: row.member.authlete for row in ROWS.values() if row.member.authlete
    } | {"secret": "clientSecret"}


def _body_field(row: Row) -> object:
    """Return the type and the default of a member without its own code."""
    kinds = {Shape.SWITCH: bool, Shape.NUMBER: Duration, Shape.LIST: Words, Shape.CHOICES: Words}
    default = _to_them(row, row.default)
    if default is None:
        default = 0 if row.shape is Shape.NUMBER else ""
    elif isinstance(default, list):
        default = tuple(default)
    return kinds.get(row.shape, Text), Field(default, alias=row.member.authlete)


_FIELDS: dict[str, Any] = dict.fromkeys(NOT_HERE, (Any, None)) | {row.name: _body_field(row) for row in _ROWS}
ClientBody = create_model("ClientBody", __base__=ClientObject, **_FIELDS)
"""``ClientObject`` with the members of the client metadata table."""


def changes_of(issuer: Issuer, body: ClientObject, held: Client | None) -> dict[str, Any]:
    """Return the members of ``ClientInput`` for a Client object.

    The object is the whole client, as with Authlete: members that it leaves out get their defaults. Only those stay whose
    default would make the client weaker or unusable: its authentication method, scopes and plain PKCE.

    Args:
        issuer: The issuer.
        body: The object.
        held: The client as it is now, None for a new one.

    Raises:
        InvalidInput: The object has unsupported or contradicting members.
    """
    _check_kept_promises(body)
    changes = {row.name: _from_them(row, getattr(body, row.name)) for row in _ROWS}
    changes |= {"name": _name(body, held), "auth_method": _auth_method(body, held)}
    if changes["userinfo_signed_response_alg"] == "NONE":
        changes["userinfo_signed_response_alg"] = None
    if body.pkce_s256_required or held is None:
        changes["allow_plain_pkce"] = False
    if held is None or body.client_id_alias != alias_of(held):
        changes["alias"] = body.client_id_alias or None
    return changes | _extended(issuer, body, held) | _attributes(body, held)


def requestable(issuer: Issuer) -> tuple[str, ...]:
    """Return the scopes of a client without its own list: those that the service offers for registration."""
    return issuer.settings.registration_scopes


def _check_kept_promises(body: ClientObject) -> None:
    if faults := body.unsupported():
        raise InvalidInput("\n".join(faults))


def _name(body: ClientObject, held: Client | None) -> str:
    """Return the name, "" where it is the client_id, by which a client without a name is shown."""
    is_default_name = held is not None and not held.name and body.client_name == held.client_id
    return "" if is_default_name else body.client_name


def _auth_method(body: ClientObject, held: Client | None) -> str:
    """Return the authentication method: the given one, or that of the client type, or the present one.

    Raises InvalidInput where method and type contradict each other.
    """
    said = {"PUBLIC": True, "CONFIDENTIAL": False}.get(body.client_type)
    if body.client_type and said is None:
        raise InvalidInput("clientType: there are PUBLIC and CONFIDENTIAL")
    method = _WORD_OF_AUTH_METHOD.get(body.token_auth_method, body.token_auth_method)
    if not method:
        method = held.auth_method if held else ClientAuthMethod.CLIENT_SECRET_BASIC.value
        if said is not None and said != (method == ClientAuthMethod.NONE):
            method = (ClientAuthMethod.NONE if said else ClientAuthMethod.CLIENT_SECRET_BASIC).value
    if held is not None:
        method = resumed_method(method, held.auth_method)
    if said is not None and said != (method == ClientAuthMethod.NONE):
        raise InvalidInput("tokenAuthMethod: NONE belongs to a PUBLIC client, the others to a CONFIDENTIAL one")
    return method


def _from_them(row: Row, value: MemberValue) -> MemberValue:
    """Return a value for ``ClientInput``, which refuses unknown words. Raises InvalidInput."""
    words = _WORDS.get(row.name, {})
    if isinstance(value, tuple):
        return [words.get(one, one) for one in value]
    if row.shape is Shape.OBJECT:
        return _json(row, value) if value else None
    value = words.get(value.upper(), value) if isinstance(value, str) else value
    return (value or None) if row.is_optional else value


def _json(row: Row, text: str) -> MemberValue:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{row.name}: must be an object as a JSON text") from error


def _extended(issuer: Issuer, body: ClientObject, held: Client | None) -> dict[str, Any]:
    extension = body.extension
    if extension is None:
        return {} if held else {"scopes": requestable(issuer)}
    own = extension.requestable_scopes_enabled
    claims = {"access_token_claims": extension.access_token_claims, "id_token_claims": extension.id_token_claims}
    return {
        **{name: words for name, words in claims.items() if words is not None},
        "scopes": extension.requestable_scopes if own else requestable(issuer),
        "access_token_lifetime": extension.access_token_duration or None,
        "refresh_idle_lifetime": extension.refresh_token_duration or None,
    }


def _attributes(body: ClientObject, held: Client | None) -> dict[str, Any]:
    """Return the properties with their texts replaced; the visibility of a property is the operator's choice, and stays."""
    if body.attributes is None:
        return {}
    known = {member.name: member for member in (held.properties if held else ())}
    others = [member for member in known.values() if not isinstance(member.value, str)]
    texts = [
        msgspec.structs.replace(known.get(one.key, Property(one.key, "")), value=one.value) for one in body.attributes
    ]
    return {"properties": [msgspec.structs.asdict(member) for member in (*others, *texts)]}
