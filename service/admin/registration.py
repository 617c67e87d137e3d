"""Clients that register themselves (RFC 7591, RFC 7592): their metadata in the words of the RFCs, and what they get back."""

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from service.admin import clients
from service.admin.audit import audited
from service.admin.client_input import ClientInput
from service.admin.errors import AdminError
from service.client_display import is_ours
from service.issuer import Issuer
from service.protocol import display_names
from service.protocol.credentials import Kind, base64url, hashed
from service.protocol.errors import InvalidClientMetadata, InvalidRedirectUri, InvalidToken, ProtocolError
from service.protocol.names import (
    ApplicationType,
    ClientAuthMethod,
    GrantTypeName,
    ResponseType,
    SubjectType,
)
from service.records.client import Client, Registration
from service.store.registration_tokens import UNLIMITED

log = logging.getLogger(__name__)

REGISTER_PATH = "/register"
MAX_ECHOED = 8192
"""Bytes of metadata that we only give back."""
_WEB_URIS = (
    *("jwks_uri", "sector_identifier_uri", "initiate_login_uri", "client_uri", "logo_uri", "policy_uri", "tos_uri"),
    *("backchannel_logout_uri", "frontchannel_logout_uri"),
)
_SAME = (
    *("redirect_uris", "application_type", "subject_type", "sector_identifier_uri", "jwks", "jwks_uri"),
    *("id_token_signed_response_alg", "userinfo_signed_response_alg", "request_object_signing_alg", "request_uris"),
    *("default_max_age", "require_auth_time", "default_acr_values", "post_logout_redirect_uris", "initiate_login_uri"),
    *("backchannel_logout_uri", "backchannel_logout_session_required", "frontchannel_logout_uri", "contacts"),
    *("frontchannel_logout_session_required", "client_uri", "logo_uri", "policy_uri", "tos_uri"),
    *("require_signed_request_object", "response_types", "grant_types", "token_endpoint_auth_signing_alg"),
    "introspection_signed_response_alg",
)
"""Members that ``ClientInput`` calls as the RFCs do."""
_THEIRS = (*_SAME, "name", "auth_method", "scopes")
"""Members of ``ClientInput`` that a client says of itself."""
_ECHOED = ("software_id", "software_version")


class ClientMetadata(BaseModel):
    """What a client says of itself (RFC 7591 section 2); unknown members are ignored, as the RFC wants.

    The values are checked by ``ClientInput``, as those of an operator are; here are only the names and the defaults.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    client_name: str = ""
    token_endpoint_auth_method: str = ClientAuthMethod.CLIENT_SECRET_BASIC.value
    grant_types: tuple[str, ...] | None = None
    response_types: tuple[str, ...] | None = None
    scope: str | None = None
    application_type: str = ApplicationType.WEB.value

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "ClientMetadata":
        """Raises InvalidClientMetadata that names the member."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise InvalidClientMetadata(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


# what is done


async def register(issuer: Issuer, metadata: Mapping[str, Any], *, by_token: bool = False) -> dict[str, Any]:
    """Register a client; the response of RFC 7591 3.2.1. ``by_token``: with an initial access token.

    Raises InvalidRedirectUri, InvalidClientMetadata.
    """
    client_id = base64url(issuer.randomness(16))
    given = _as_input(issuer, client_id, metadata, None)
    token = Kind.REGISTRATION_TOKEN + base64url(issuer.randomness(32))
    registration = Registration(hashed(token), _echoed(metadata), by_token)
    try:
        made = await clients.create_client(issuer, given, registration=registration)
    except AdminError as error:
        raise _refusal(str(error)) from error
    log.info("client_registered", extra={"client_id": client_id})
    secret = {} if made.secret is None else {"client_secret": made.secret}
    return describe(issuer, made.client) | secret | {"registration_access_token": token}


async def open_registered(issuer: Issuer, client_id: str, token: str) -> Client:
    """The client, for whoever holds its registration access token. Raises InvalidToken, whatever is wrong."""
    client = await issuer.store.clients.read(client_id) if 0 < len(client_id) <= 255 else None
    held = client.registration.token_hash if client and client.registration else ""
    if (
        client is None
        or client.client_id != client_id
        or not token.isascii()
        or not compare_digest(hashed(token), held)
    ):
        raise InvalidToken("The registration access token is not valid for this client.")
    return client


async def replace(issuer: Issuer, client: Client, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Put other metadata in the place of a client's (RFC 7592 2.2). What an operator gave or took stays: rights, lifetimes,
    scopes. Raises InvalidRedirectUri, InvalidClientMetadata.
    """
    if metadata.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id: must be the client's own")
    secret = metadata.get("client_secret")
    if secret is not None and not await _is_secret(issuer, client, secret):
        raise InvalidClientMetadata("client_secret: must be the client's own, or left out")
    given = _as_input(issuer, client.client_id, {**_kept(client), **metadata}, client)
    _check_no_downgrade(client, given)
    try:
        changed = await clients.update_client(
            issuer, client.client_id, {name: getattr(given, name) for name in _THEIRS}
        )
        changed = await clients.set_registration(issuer, client.client_id, _echoed(metadata))
        if changed.auth_method.has_secret and not changed.secrets:
            made = await clients.rotate_secret(issuer, client.client_id)
            return describe(issuer, made.client) | {"client_secret": made.secret}
    except AdminError as error:
        raise _refusal(str(error)) from error
    return describe(issuer, changed)


def _kept(client: Client) -> dict[str, Any]:
    """What protects a client and is not said anew stays as it is, whoever set it."""
    kept: dict[str, Any] = {
        "token_endpoint_auth_method": client.auth_method.value,
        "subject_type": client.subject_type.value,
        "require_signed_request_object": client.require_signed_request_object,
    }
    signing = client.token_endpoint_auth_signing_alg
    return kept | ({"token_endpoint_auth_signing_alg": signing} if signing else {})


def _check_no_downgrade(client: Client, given: ClientInput) -> None:
    """A registration access token that got lost must not make the client weaker. Raises InvalidClientMetadata."""
    weaker = {
        "token_endpoint_auth_method": given.public and not client.public,
        "subject_type": given.subject_type is SubjectType.PUBLIC and client.subject_type is SubjectType.PAIRWISE,
        "require_signed_request_object": client.require_signed_request_object
        and not given.require_signed_request_object,
    }
    if refused := [name for name, is_weaker in weaker.items() if is_weaker]:
        raise InvalidClientMetadata(f"{', '.join(refused)}: cannot be weakened; ask an operator")


@audited("registration.create_token")
async def create_initial_access_token(issuer: Issuer, *, uses: int = UNLIMITED, lifetime: int) -> str:
    """A token that lets its holder register ``uses`` clients within ``lifetime`` seconds; kept as a hash only."""
    token = Kind.INITIAL_ACCESS_TOKEN + base64url(issuer.randomness(32))
    await issuer.store.registration_tokens.keep(hashed(token), uses, lifetime)
    log.info("initial_access_token_created", extra={"uses": uses, "lifetime": lifetime})
    return token


@asynccontextmanager
async def initial_access_token_spent(issuer: Issuer, token: str, *, returnable: bool) -> AsyncIterator[None]:
    """Take one use of it, and give it back where the metadata were refused, if it is ``returnable``: whoever mistyped them may
    try again.

    Raises InvalidToken where it is unknown, over, or used up.
    """
    held, by = issuer.store.registration_tokens, base64url(issuer.randomness(16))
    if not token.isascii() or not await held.spend(hashed(token), by):
        raise InvalidToken("The initial access token is unknown, expired or used up.")
    try:
        yield
    except (InvalidClientMetadata, InvalidRedirectUri):
        if returnable:
            await held.give_back(hashed(token), by)
        raise


def describe(issuer: Issuer, client: Client) -> dict[str, Any]:
    """The client's metadata in the words of the RFCs; of secrets nothing."""
    told: dict[str, Any] = dict(client.registration.metadata) if client.registration else {}
    told |= {name: value for name in _SAME if (value := getattr(client, name)) not in (None, "", (), False)}
    told |= {
        "client_id": client.client_id,
        "client_id_issued_at": client.created_at,
        "client_name": client.name,
        "token_endpoint_auth_method": client.auth_method,
        "scope": " ".join(client.scopes),
        "registration_client_uri": f"{issuer.url_of(REGISTER_PATH)}?{urlencode({'client_id': client.client_id})}",
    }
    if client.auth_method.has_secret:
        told["client_secret_expires_at"] = 0
    return {name: value for name, value in told.items() if value not in (None, "")}


# how it is done


def _as_input(issuer: Issuer, client_id: str, metadata: Mapping[str, Any], held: Client | None) -> ClientInput:
    """``held``: the client as it is, None for a new one."""
    read = ClientMetadata.read(metadata)
    _check_names(issuer, metadata)
    given: dict[str, Any] = {name: metadata[name] for name in _SAME if metadata.get(name) is not None}
    grant_types, response_types = _types(read)
    _check_grant_types(issuer, grant_types, held)
    given |= {
        "client_id": client_id,
        "name": read.client_name,
        "auth_method": read.token_endpoint_auth_method,
        "grant_types": grant_types,
        "response_types": response_types,
        "scopes": _scopes(issuer, read.scope, held),
        "application_type": read.application_type,
    }
    _check_uris(issuer, given)
    try:
        return ClientInput.read(given)
    except AdminError as error:
        raise _refusal(str(error)) from error


def _types(read: ClientMetadata) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Grant and response types with the defaults of RFC 7591 section 2. Raises InvalidClientMetadata where they differ."""
    response_types = (ResponseType.CODE.value,) if read.response_types is None else read.response_types
    canonical = {tuple(sorted(one.value.split())): one.value for one in ResponseType}
    try:
        response_types = tuple(canonical[tuple(sorted(one.split()))] for one in response_types)
    except KeyError as error:
        raise InvalidClientMetadata("response_types: there is no such response type") from error
    needed = set()
    for one in response_types:
        parts = ResponseType(one).parts
        needed |= {GrantTypeName.AUTHORIZATION_CODE.value} if "code" in parts else set()
        needed |= {GrantTypeName.IMPLICIT.value} if parts - {"code"} else set()
    if read.grant_types is None:
        return tuple(sorted(needed)) or (GrantTypeName.AUTHORIZATION_CODE.value,), response_types
    if read.response_types is None and GrantTypeName.AUTHORIZATION_CODE not in read.grant_types:
        return read.grant_types, ()
    if missing := needed - set(read.grant_types):
        raise InvalidClientMetadata(f"grant_types: {', '.join(sorted(missing))} belongs to these response_types")
    return read.grant_types, response_types


def _check_grant_types(issuer: Issuer, wanted: Collection[str], held: Client | None) -> None:
    """Nobody gives themselves a grant type that needs no person, but may keep one that an operator gave."""
    allowed = {*issuer.settings.registration_grant_types, *(held.grant_types if held else ())}
    if refused := [name for name in wanted if name not in allowed]:
        raise InvalidClientMetadata(
            f"grant_types: {', '.join(refused)[:200]} cannot be registered for; ask an operator"
        )


def _scopes(issuer: Issuer, scope: str | None, held: Client | None) -> tuple[str, ...]:
    """What of the requested scopes may be had, everything where nothing is said: never more than the client has now.

    Others are left out, and the answer says what is registered (RFC 7591 3.2.1); InvalidClientMetadata where none is left.
    """
    offered = issuer.settings.registration_scopes if held is None else held.scopes
    granted = offered if scope is None else tuple(word for word in scope.split() if word in offered)
    if scope and not granted:
        raise InvalidClientMetadata(f"scope: none of it can be registered for; there is {' '.join(offered)[:500]}")
    return granted


def _check_uris(issuer: Issuer, given: Mapping[str, Any]) -> None:
    """Stricter than for an operator, who may know that http on loopback is meant. Raises what RFC 7591 3.2.2 names."""
    if not issuer.settings.fetch_private_addresses:
        for name in _WEB_URIS:
            uri = given.get(name)
            if isinstance(uri, str) and not uri.startswith("https://"):
                raise InvalidClientMetadata(f"{name}: must be an https URL")
    uris = given.get("redirect_uris")
    implicit = GrantTypeName.IMPLICIT in given["grant_types"]
    if given["application_type"] == ApplicationType.WEB and implicit and isinstance(uris, list):
        for uri in uris:
            if isinstance(uri, str) and not uri.startswith("https://"):
                raise InvalidRedirectUri("redirect_uris: of a web client with the implicit grant they must be https")


def _check_names(issuer: Issuer, metadata: Mapping[str, Any]) -> None:
    """What people will be shown, in every language (RFC 7591 2.2). Raises InvalidClientMetadata."""
    for member, name in metadata.items():
        if member.partition("#")[0] != "client_name" or not isinstance(name, str):
            continue
        try:
            display_names.check(name)
        except ValueError as error:
            raise InvalidClientMetadata(f"{member[:60]}: {error}") from error
        if is_ours(issuer.settings, name):
            raise InvalidClientMetadata(f"{member[:60]}: is the name of this service; choose one of your own")


def _echoed(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Members that we understand nothing of but give back: names in other languages, the software's own (RFC 7591 2.2)."""
    told = {name: value for name, value in metadata.items() if name in _ECHOED or "#" in name}
    if any(not isinstance(value, str) for value in told.values()) or len(msgspec.json.encode(told)) > MAX_ECHOED:
        raise InvalidClientMetadata(
            f"software_id, software_version and translations: texts, {MAX_ECHOED} bytes at most"
        )
    return told


async def _is_secret(issuer: Issuer, client: Client, secret: object) -> bool:
    if not isinstance(secret, str) or len(secret) > 1024:
        return False
    matches = [await issuer.hashing.verify_secret(secret, held.hash) for held in client.secrets]
    return any(matches)


def _refusal(text: str) -> ProtocolError:
    """The error that RFC 7591 3.2.2 has for this fault."""
    first = text.splitlines()[0]
    if first.startswith("redirect_uris"):
        return InvalidRedirectUri(first)
    return InvalidClientMetadata(first.replace("auth_method", "token_endpoint_auth_method", 1))
