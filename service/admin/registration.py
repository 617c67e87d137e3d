"""Clients that register themselves (RFC 7591, RFC 7592): the operations, and the responses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Any, NamedTuple
from urllib.parse import urlencode

from service.admin import clients, registered_metadata
from service.admin.audit import audited
from service.admin.client_input import ClientInput
from service.admin.errors import AdminError, Contended, Outdated
from service.admin.etags import etag
from service.client_auth import has_secret, registered_name
from service.issuer import Issuer
from service.observe.current import note_client
from service.observe.events import Event
from service.protocol.client_member import Row
from service.protocol.client_metadata import REGISTERED
from service.protocol.credentials import Kind, base64url, hashed, new_secret
from service.protocol.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidToken,
    TemporarilyUnavailable,
    TooManyRegistrations,
)
from service.protocol.names import ClientAuthMethod
from service.protocol.networks import wide_network_of
from service.records.client import Client, Registration
from service.store.initial_access_tokens import UNLIMITED
from service.store.self_registrations import Places, ReserveAnswer

log = logging.getLogger(__name__)

REGISTER_PATH = "/register"
_COUNTED_EVERY = 30.0


class Registrant(NamedTuple):
    """The sender of an open registration, which needs no initial access token."""

    address: str = ""
    """IP address, empty where it is not known."""


# operations


async def register(issuer: Issuer, metadata: Mapping[str, Any], registrant: Registrant | None = None) -> dict[str, Any]:
    """Register a client; with a ``registrant`` openly, without an operator's initial access token.

    Return the response of RFC 7591 3.2.1, with ``left_out`` where not all of the request was registered.
    Raises InvalidRedirectUri, InvalidClientMetadata, TooManyRegistrations, TemporarilyUnavailable.
    """
    client_id = base64url(issuer.randomness(16))
    read_metadata = registered_metadata.read(issuer, client_id, metadata, None)
    token = new_secret(Kind.REGISTRATION_ACCESS_TOKEN, issuer.randomness)
    network = wide_network_of(registrant.address) if registrant else ""
    registration = Registration(
        token_hash=hashed(token),
        metadata=read_metadata.echoed,
        by_token=registrant is None,
        registered_openly=registrant is not None,
        network=network,
    )
    async with place_taken(issuer, client_id, registration):
        try:
            made = await clients.create_client(issuer, read_metadata.given, registration=registration)
        except AdminError as error:
            raise registered_metadata.refusal(str(error)) from error
    left_out = read_metadata.left_out
    log.info(Event.CLIENT_REGISTERED, extra={"client_id": client_id, "left_out": sorted(left_out), "network": network})
    secret = {} if made.secret is None else {"client_secret": made.secret}
    described = describe(issuer, made.client) | secret | {"registration_access_token": token}
    return described | ({"left_out": left_out} if left_out else {})


@asynccontextmanager
async def place_taken(issuer: Issuer, client_id: str, registration: Registration) -> AsyncIterator[None]:
    """Reserve one of the places for openly registered clients that are not used yet, bounded in all and for each network."""
    if not registration.registered_openly:
        yield
        return
    places, now = issuer.store.self_registrations, int(issuer.clock())
    answer = await places.reserve(client_id, registration.network, now, Places.of(issuer.settings))
    if answer is not ReserveAnswer.RESERVED:
        issuer.metrics.security_event(Event.REGISTRATION_LIMITED)
        log.warning(Event.REGISTRATION_LIMITED, extra={"reason": answer.value, "network": registration.network})
        if answer is ReserveAnswer.NETWORK_FULL:
            raise TooManyRegistrations
        raise TemporarilyUnavailable("Too many clients wait for their first use; try again later.", retry_after=3600)
    try:
        yield
    except BaseException:
        places.release_soon(client_id, registration.network)
        raise
    places.keep_soon(client_id, registration.network, now + issuer.settings.registration_unused_lifetime)


async def open_registered(issuer: Issuer, client_id: str, token: str) -> Client:
    """Return the client, for the holder of its registration access token. Raises InvalidToken, whatever is wrong."""
    client = await issuer.store.clients.read(client_id) if client_id else None
    if client is not None:
        note_client(client.client_id)
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
    """Replace the metadata of a client (RFC 7592 2.2).

    Changes by an operator stay: rights, lifetimes, scopes. Raises InvalidRedirectUri, InvalidClientMetadata, and
    TemporarilyUnavailable where the client was changed since ``client`` was read, as that change would be lost.
    """
    if metadata.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id: must be the client's own")
    said = registered_metadata.without_empty(metadata)
    secret = said.get("client_secret")
    if secret is not None and not await _is_secret(issuer, client, secret):
        raise InvalidClientMetadata("client_secret: must be the client's own, or left out")
    read_metadata = registered_metadata.read(issuer, client.client_id, {**protection_of(client), **said}, client)
    given, left_out = read_metadata.given, {"left_out": read_metadata.left_out} if read_metadata.left_out else {}
    _check_no_downgrade(client, given)
    try:
        changes = {row.name: getattr(given, row.name) for row in REGISTERED.values()}
        changed = await clients.update_client(issuer, client.client_id, changes, if_match=etag(client), adopts=False)
        changed = await clients.set_registration(issuer, client.client_id, read_metadata.echoed)
        if has_secret(changed.auth_method) and not changed.secrets:
            made = await clients.rotate_secret(issuer, client.client_id)
            return describe(issuer, made.client) | {"client_secret": made.secret} | left_out
    except (Outdated, Contended) as error:
        raise TemporarilyUnavailable(log="the client is being changed by others at the same time") from error
    except AdminError as error:
        raise registered_metadata.refusal(str(error)) from error
    return describe(issuer, changed) | left_out


PROTECTING = {name: row for name, row in REGISTERED.items() if row.member.protects}
"""Members that protect a client, by their registered names."""


def protects_least(row: Row) -> object:
    """Return the value of a protecting member that protects nothing."""
    return ClientAuthMethod.NONE if row.name == "auth_method" else row.default


def protection_of(client: Client) -> dict[str, Any]:
    """Return the protecting members of a client, which stay as they are unless they are named again."""
    held = {name: getattr(client, row.name) for name, row in PROTECTING.items()}
    return held | {"token_endpoint_auth_method": registered_name(client.auth_method)}


def _check_no_downgrade(client: Client, given: ClientInput) -> None:
    """Check that the client gets no weaker, as its registration access token may be stolen. Raises InvalidClientMetadata."""
    refused = [
        name
        for name, row in PROTECTING.items()
        if getattr(client, row.name) != protects_least(row) == getattr(given, row.name)
    ]
    if refused:
        raise InvalidClientMetadata(f"{', '.join(refused)}: cannot be weakened; ask an operator")


@audited("registration.create_token")
async def create_initial_access_token(issuer: Issuer, *, uses: int = UNLIMITED, lifetime: int) -> str:
    """Make a token that lets its holder register ``uses`` clients within ``lifetime`` seconds; stored as a hash only."""
    token = new_secret(Kind.INITIAL_ACCESS_TOKEN, issuer.randomness)
    await issuer.store.initial_access_tokens.keep(hashed(token), uses, lifetime)
    log.info(Event.INITIAL_ACCESS_TOKEN_CREATED, extra={"uses": uses, "lifetime": lifetime})
    return token


@asynccontextmanager
async def initial_access_token_spent(issuer: Issuer, token: str, *, returnable: bool) -> AsyncIterator[None]:
    """Take one use of the token; with ``returnable`` it is given back where the metadata are refused, as they may be mistyped.

    Raises InvalidToken where it is unknown, expired, or used up.
    """
    held, by = issuer.store.initial_access_tokens, base64url(issuer.randomness(16))
    if not token.isascii() or not await held.spend(hashed(token), by):
        raise InvalidToken("The initial access token is unknown, expired or used up.")
    try:
        yield
    except (InvalidClientMetadata, InvalidRedirectUri):
        if returnable:
            await held.release(hashed(token), by)
        raise


async def keep_counting(issuer: Issuer) -> None:
    """Count the clients that wait for their first use, for the metrics, until cancelled."""
    while True:
        issuer.metrics.unused_clients = await issuer.store.self_registrations.unused(int(issuer.clock()))
        await asyncio.sleep(_COUNTED_EVERY)


def describe(issuer: Issuer, client: Client) -> dict[str, Any]:
    """Return the client's metadata by their registered names, without secrets."""
    described: dict[str, Any] = dict(client.registration.metadata) if client.registration else {}
    registered = {name: getattr(client, row.name) for name, row in REGISTERED.items()}
    described |= {
        name: value for name, value in registered.items() if value not in (None, "", ()) and value is not False
    }
    described |= {
        "client_id": client.client_id,
        "client_id_issued_at": client.created_at,
        "token_endpoint_auth_method": registered_name(client.auth_method),
        "scope": " ".join(client.scopes),
        "registration_client_uri": f"{issuer.url_of(REGISTER_PATH)}?{urlencode({'client_id': client.client_id})}",
    }
    if has_secret(client.auth_method):
        described["client_secret_expires_at"] = 0
    return {name: value for name, value in described.items() if value not in (None, "")}


# internals


async def _is_secret(issuer: Issuer, client: Client, secret: object) -> bool:
    if not isinstance(secret, str) or len(secret) > 1024:
        return False
    matches = [await issuer.hashing.verify_secret(secret, held.hash) for held in client.secrets]
    return any(matches)
