"""Client metadata in a registration request (RFC 7591 section 2) as ``ClientInput``: names, defaults, and what is left out.

Nothing depends on a decoration (a name, a logo) or on one of several grant types: those that cannot be registered are left
out, and the response says so (RFC 7591 3.2.1). Members that protect the client, or that name where users are sent, are
registered as requested or refused. null means left out (RFC 7592 2.2), and so does an empty text.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from service.admin.client_input import ClientInput
from service.admin.errors import AdminError, InvalidInput
from service.admin.input import check_sizes
from service.client_auth import METHODS, methods_supported, resumed_method
from service.issuer import Issuer
from service.login.client_display import DECORATIONS, is_ours
from service.protocol import display_names
from service.protocol.client_metadata import REGISTERED, ROWS
from service.protocol.errors import InvalidClientMetadata, InvalidRedirectUri, ProtocolError
from service.protocol.names import ApplicationType, ClientAuthMethod, GrantTypeName, ResponseType
from service.protocol.redaction import check_no_credential, redacted
from service.records.client import Client

MAX_ECHOED = 4096
"""The most bytes of metadata that are only returned to the client."""
_LINKS = DECORATIONS
_DECORATIVE = ("name", "contacts", *_LINKS)
"""Members that are only shown to users: one that cannot be registered is left out."""
_WEB_URIS = tuple(row.name for row in REGISTERED.values() if row.name.endswith("_uri"))
_ECHOED = ("software_id", "software_version")


class ReadMetadata(NamedTuple):
    """Checked client metadata."""

    given: ClientInput
    echoed: dict[str, str]
    """Members that are only returned."""
    left_out: dict[str, str]
    """The members that are not registered, with the reasons."""


def without_empty(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that are not empty."""
    return {name: value for name, value in metadata.items() if value is not None and value != ""}


def read(issuer: Issuer, client_id: str, metadata: Mapping[str, Any], held: Client | None) -> ReadMetadata:
    """Check client metadata; ``held`` is the existing client, None for a new one.

    Raises InvalidRedirectUri, InvalidClientMetadata.
    """
    said, left_out = without_empty(metadata), dict[str, str]()
    try:
        check_sizes(said)
        _check_names(issuer, said)
        echoed = _echoed(said, left_out)
        given = {row.name: said[name] for name, row in REGISTERED.items() if name in said}
        given |= {"client_id": client_id, "name": _text(said, "client_name")}
        given["auth_method"] = said.get("token_endpoint_auth_method", ClientAuthMethod.CLIENT_SECRET_BASIC.value)
        _check_is_registered_word(issuer, str(given["auth_method"]))
        if held is not None:
            given["auth_method"] = resumed_method(given["auth_method"], held.auth_method)
        _check_method(issuer, str(given["auth_method"]), held)
        given["response_types"], given["grant_types"] = _types(issuer, said, held, left_out)
        given["authorization_details_types"] = _details_types(issuer, said, held, left_out)
        given["scopes"] = _scopes(issuer, _text(said, "scope"), held)
        given["application_type"] = said.get("application_type") or _application_type(given)
        _check_uris(issuer, given, left_out)
        read_input = _without_unusable(given, left_out)
    except AdminError as error:
        raise refusal(str(error)) from error
    if len(msgspec.json.encode((read_input.members(), echoed))) > (most := issuer.settings.registration_max_bytes):
        raise InvalidClientMetadata(f"The metadata are too large: {most} bytes at most (redirect URIs, jwks and all).")
    return ReadMetadata(read_input, echoed, left_out)


def _check_is_registered_word(issuer: Issuer, name: str) -> None:
    """Refuse a method of our own, which the RFCs do not know."""
    if name in METHODS and METHODS[name].registered_name:
        raise InvalidInput(f"auth_method: there are {', '.join(methods_supported(issuer))}")


def _check_method(issuer: Issuer, name: str, held: Client | None) -> None:
    """Refuse a method that is off, as the client could never authenticate. Those with a secret are refused where it is made."""
    method = METHODS.get(name)
    if method is None or method.has_secret or method.is_on(issuer) or (held is not None and held.auth_method == name):
        return
    raise InvalidInput(f"auth_method: {name} is not offered here; there are {', '.join(methods_supported(issuer))}")


def refusal(text: str) -> ProtocolError:
    """Return the error of RFC 7591 3.2.2 for this fault, of several faults for the first."""
    member, colon, rest = text.splitlines()[0].partition(":")
    first = _registered_name(member) + colon + rest
    return InvalidRedirectUri(first) if member.startswith("redirect_uris") else InvalidClientMetadata(first)


# decorations


def _check_names(issuer: Issuer, said: Mapping[str, Any]) -> None:
    """Check what users will see, in every language (RFC 7591 2.2). Raises InvalidClientMetadata."""
    for member, name in said.items():
        if member.partition("#")[0] != "client_name" or not isinstance(name, str):
            continue
        try:
            display_names.check(name)
        except ValueError as error:
            raise InvalidClientMetadata(f"{member[:60]}: {error}") from error
        if is_ours(issuer.settings, name):
            raise InvalidClientMetadata(
                f"{member[:60]}: is the name of this service, or holds it; choose one of your own"
            )


def _without_unusable(given: dict[str, Any], left_out: dict[str, str]) -> ClientInput:
    """Leave out decorations that cannot be registered.

    Raises InvalidInput for faults of other members, InvalidClientMetadata for a value of the wrong type.
    """
    for name in _LINKS:
        _text(given, name)
    if not all(isinstance(contact, str) for contact in _texts(given, "contacts") or ()):
        raise InvalidClientMetadata("contacts: must be a list of texts")
    try:
        return ClientInput.read(given)
    except AdminError as error:
        faults = str(error).splitlines()
    grave = [fault for fault in faults if _member(fault) not in _DECORATIVE]
    if not grave:
        for fault in faults:
            left_out[_registered_name(_member(fault))] = fault.partition(": ")[2]
    unusable = {_member(fault) for fault in faults} & set(_DECORATIVE)
    return ClientInput.read({name: value for name, value in given.items() if name not in unusable})


def _registered_name(member: str) -> str:
    """Return the registered name of a member, ``client_name`` for ``name``."""
    return ROWS[member].registered or member if member in ROWS else member


def _member(fault: str) -> str:
    """Return the member that a fault is about, ``contacts`` for ``contacts.3: …``."""
    return fault.partition(":")[0].partition(".")[0]


def _echoed(said: Mapping[str, Any], left_out: dict[str, str]) -> dict[str, str]:
    """Return the members that are only echoed to the client: names in other languages, the software's own (RFC 7591 2.2)."""
    echoed: dict[str, str] = {}
    for name in said:
        if name not in _ECHOED and "#" not in name:
            continue
        text = _text(said, name)
        try:
            check_no_credential(f"{name} {text}")
        except ValueError as error:
            raise InvalidClientMetadata(f"{redacted(name[:60])}: {error}") from error
        if len(msgspec.json.encode(echoed | {name: text})) > MAX_ECHOED:
            left_out[name[:100]] = f"there is room for {MAX_ECHOED} bytes of such members"
        else:
            echoed[name] = text
    return echoed


# grant types, response types, scopes


def _types(
    issuer: Issuer, said: Mapping[str, Any], held: Client | None, left_out: dict[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return response and grant types that go together, with the defaults of RFC 7591 section 2; others are left out.

    A client cannot give itself a grant type that needs no user, but keeps one that an operator gave. Raises
    InvalidClientMetadata where none of the requested ones is left.
    """
    allowed = {*issuer.settings.registration_grant_types, *(held.grant_types if held else ())}
    wanted = _texts(said, "grant_types")
    granted = tuple(name for name in (allowed if wanted is None else wanted) if name in allowed)
    if refused := [name for name in wanted or () if name not in allowed]:
        left_out["grant_types"] = f"{', '.join(refused)[:200]} cannot be registered for; ask an operator"
        if not granted:
            raise InvalidClientMetadata(f"grant_types: {left_out['grant_types']}")
    requested = _texts(said, "response_types")
    if requested is None:
        requested = (ResponseType.CODE.value,) if wanted is None or GrantTypeName.AUTHORIZATION_CODE in granted else ()
    kept = _response_types(issuer, requested, granted, held)
    if len(kept) < len(requested):
        others = [one for one in requested if _canonical(one) not in kept]
        left_out["response_types"] = (
            f"{', '.join(others)[:200]} cannot be registered for, or the grant_types for it are not there"
        )
        if not kept:
            raise InvalidClientMetadata(f"response_types: {left_out['response_types']}")
        if GrantTypeName.IMPLICIT not in _needed(kept):
            granted = tuple(name for name in granted if name != GrantTypeName.IMPLICIT)
    if wanted is None:
        return kept, tuple(sorted(_needed(kept))) or (GrantTypeName.AUTHORIZATION_CODE.value,)
    return kept, granted


def _response_types(
    issuer: Issuer, requested: Collection[str], granted: Collection[str], held: Client | None
) -> tuple[str, ...]:
    """Return those of ``requested`` that may be registered for, and whose grant types are ``granted``."""
    settings = issuer.settings
    offered = {*settings.registration_response_types, *(held.response_types if held else ())}
    offered &= set(settings.response_types)
    canonical = (_canonical(one) for one in requested)
    return tuple(one for one in canonical if one in offered and _needed((one,)) <= set(granted))


def _canonical(response_type: str) -> str:
    """Return a response type in our order of its words, which has no meaning (OAuth 2.0 Multiple Response Types 3)."""
    words = sorted(response_type.split())
    return next((one.value for one in ResponseType if sorted(one.value.split()) == words), response_type)


def _needed(response_types: Collection[str]) -> set[str]:
    """Return the grant types that belong to response types (RFC 7591 2.1)."""
    needed = set()
    for one in response_types:
        parts = ResponseType(one).parts
        needed |= {GrantTypeName.AUTHORIZATION_CODE.value} if "code" in parts else set()
        needed |= {GrantTypeName.IMPLICIT.value} if parts - {"code"} else set()
    return needed


def _scopes(issuer: Issuer, scope: str, held: Client | None) -> tuple[str, ...]:
    """Return the requested scopes that are available, all where none is requested: never more than the client has now.

    Others are left out, and the response shows the rest (RFC 7591 3.2.1). Raises InvalidClientMetadata if none is left.
    """
    offered = issuer.settings.registration_scopes if held is None else held.scopes
    at_resources = (
        scope for one in issuer.store.resources.known.values() if one.self_registered for scope in one.scopes
    )
    may_have = dict.fromkeys((*offered, *at_resources))
    wanted = scope.split()
    granted = tuple(word for word in wanted if word in may_have) if wanted else offered
    if wanted and not granted:
        raise InvalidClientMetadata(f"scope: none of it can be registered for; there is {' '.join(may_have)[:500]}")
    return granted


def _details_types(
    issuer: Issuer, said: Mapping[str, Any], held: Client | None, left_out: dict[str, str]
) -> tuple[str, ...]:
    """Return the available types (RFC 9396 section 10); those that an operator gave stay where none is requested."""
    allowed = {
        *issuer.settings.registration_authorization_details_types,
        *(held.authorization_details_types if held else ()),
    }
    wanted = _texts(said, "authorization_details_types")
    if wanted is None:
        return held.authorization_details_types if held else ()
    if refused := [name for name in wanted if name not in allowed]:
        left_out["authorization_details_types"] = (
            f"{', '.join(refused)[:200]} cannot be registered for; ask an operator"
        )
    return tuple(name for name in wanted if name in allowed)


# URIs, and the kinds of members


def _check_uris(issuer: Issuer, given: dict[str, Any], left_out: dict[str, str]) -> None:
    """Check URIs more strictly than an operator's, who may mean http on loopback. Raises the errors of RFC 7591 3.2.2."""
    plain = [name for name in _WEB_URIS if isinstance(given.get(name), str) and not _is_https(given[name])]
    for name in plain if not issuer.settings.fetch_private_addresses else ():
        if name not in _LINKS:
            raise InvalidClientMetadata(f"{name}: must be an https URL")
        left_out[name] = "must be an https URL"
        del given[name]
    uris = given.get("redirect_uris")
    implicit = GrantTypeName.IMPLICIT in given["grant_types"]
    if (
        given.get("application_type", ApplicationType.WEB) == ApplicationType.WEB
        and implicit
        and isinstance(uris, list)
    ):
        for uri in uris:
            if isinstance(uri, str) and not _is_https(uri):
                raise InvalidRedirectUri("redirect_uris: of a web client with the implicit grant they must be https")


def _application_type(given: Mapping[str, Any]) -> str:
    """Return the default application type: native if the client has no secret and is on the user's device (RFC 8252)."""
    uris = given.get("redirect_uris")
    is_public = given["auth_method"] == ClientAuthMethod.NONE
    is_on_device = (
        is_public and isinstance(uris, list) and any(isinstance(uri, str) and not _is_https(uri) for uri in uris)
    )
    return (ApplicationType.NATIVE if is_on_device else ApplicationType.WEB).value


def _is_https(uri: str) -> bool:
    return uri.startswith("https://")


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise InvalidClientMetadata(f"{name[:100]}: must be a text")
    return value


def _texts(said: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidClientMetadata(f"{name}: must be a list of texts")
    return tuple(value)
