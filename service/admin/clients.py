"""Clients: registering, changing and listing them, and giving them new secrets."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import Field

from service.admin import etags
from service.admin.audit import audited, note_changed
from service.admin.client_input import ClientInput
from service.admin.client_profile import under_profile
from service.admin.client_secrets import make_secret
from service.admin.client_surroundings import check_surroundings
from service.admin.errors import AlreadyExists, Contended, InvalidInput, NotFound
from service.admin.input import Name, describe_property
from service.admin.paging import Cursor, Limit, Listing, cursor_checked
from service.client_auth import has_secret
from service.crypto.passwords import is_generated
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.names import ClientAuthMethod, HookEvent
from service.records.client import Client, Registration
from service.store.record_store import ChangedMeanwhileError
from service.tokens.id_tokens import sector_for

log = logging.getLogger(__name__)

ClientName = Annotated[Name, Field(description="client_id, or alias.")]
ImportedSecret = Annotated[
    str | None, Field(max_length=1024, description="To be imported; left out, one of 256 random bits is made.")
]
_TRIES = 5
_SLACK = 60
"""Seconds by which our clock may differ from that of Redis."""


# operations


class NewSecret(NamedTuple):
    """A client whose secret is new."""

    client: Client
    secret: str | None
    """The secret in clear, which is available only now; None where it was imported or the client is public."""


@audited("client.create", "client:given.client_id")
async def create_client(
    issuer: Issuer, given: ClientInput, secret: ImportedSecret = None, *, registration: Registration | None = None
) -> NewSecret:
    """Register a client; with ``registration`` it registers itself (RFC 7591).

    Raises AlreadyExists, InvalidInput.
    """
    if not has_secret(given.auth_method) and secret is not None:
        raise InvalidInput(f"secret: a client with auth_method {given.auth_method} has none")
    await _check_free(issuer, given.client_id, given.alias)
    given = under_profile(issuer, given)
    generated, secrets = await make_secret(issuer, given, secret)
    now = int(issuer.clock())
    # It starts at the present time, not at 0: grants of a deleted client of the same name must not become valid again.
    network = registration.network if registration else ""
    client = Client(
        **given.members(),
        sector_identifier=await check_surroundings(issuer, given, network),
        generation=int(issuer.clock() * 1000),
        created_at=now,
        secrets=secrets,
        registration=registration,
    )
    lifetime = issuer.settings.registration_unused_lifetime if client.was_registered_openly else 0
    try:
        await issuer.store.clients.save(client, None, lifetime)
    except ChangedMeanwhileError as error:
        raise AlreadyExists(f"it was registered meanwhile: {error}") from error
    log.info(Event.CLIENT_CREATED, extra={"client_id": client.client_id, "grant_types": client.grant_types})
    return NewSecret(client, generated)


async def get_client(issuer: Issuer, client_id: ClientName) -> Client:
    """Return the client of this client_id or alias, as Redis has it now. Raises NotFound."""
    client = await issuer.store.clients.read(client_id)
    if client is None:
        raise NotFound(f"there is no client {client_id!r}; `mintmark client list` shows all")
    return client


async def preview_client(issuer: Issuer, given: ClientInput) -> ClientInput:
    """Return a client as it would be stored, without storing it.

    Raises:
        InvalidInput: Something is not offered here, or contradicts its profile.
        AlreadyExists: Its alias names another client.
    """
    if given.alias:
        await _check_alias_free(issuer, given.client_id, given.alias)
    given = under_profile(issuer, given)
    await check_surroundings(issuer, given)
    return given.with_implicit()


async def list_clients(
    issuer: Issuer,
    cursor: Cursor = "",
    limit: Limit = 100,
    registered: Annotated[bool, Field(description="Only clients that registered themselves (RFC 7591).")] = False,
    unused_for: Annotated[
        int, Field(ge=0, description="Only openly registered clients that were not used for so many seconds.")
    ] = 0,
) -> Listing[Client]:
    """Return a page of clients in no order; reads some ``10 × limit`` keys. Raises InvalidInput for a bad cursor."""
    with cursor_checked(cursor):
        page, following = await issuer.store.clients.list_page(cursor, limit)
    found = [client for client in page if client.registration or not registered]
    return Listing(await _unused(issuer, found, unused_for) if unused_for else found, following)


async def _unused(issuer: Issuer, clients: list[Client], seconds: int) -> list[Client]:
    """Return the openly registered clients that were not used for so many seconds, to a day, computed from when each ends."""
    openly_registered = [client for client in clients if client.was_registered_openly]
    now, settings = int(issuer.clock()), issuer.settings
    found = []
    for client, left in zip(openly_registered, await issuer.store.clients.ends_of(openly_registered), strict=True):
        is_used = now + left > client.created_at + settings.registration_unused_lifetime + _SLACK
        used_at = now + left - settings.registration_idle_lifetime if is_used else client.created_at
        if left >= 0 and now - used_at >= seconds:
            found.append(client)
    return found


@audited("client.update", "client:client_id", changed="changes")
async def update_client(
    issuer: Issuer, client_id: str, changes: Mapping[str, Any], *, if_match: str | None = None, adopts: bool = True
) -> Client:
    """Change members of ``ClientInput``; the client is checked as a whole with them. Secrets stay.

    Tokens stay, too, unless its users get other subject identifiers: then all that it was issued ends.

    A client that needs no secret any more loses it; one that newly needs one, or a readable one (client_secret_jwt), has none
    until ``rotate_secret``. With ``adopts`` it becomes an operator's client, even if it registered itself, and is kept also
    while it is not used. Raises NotFound, AlreadyExists (alias), Outdated (``etags.check``), Contended,
    InvalidInput.
    """
    if "client_id" in changes:
        raise InvalidInput("client_id: cannot be changed; tokens and grants name it. Create another client.")
    alias = changes.get("alias")
    if isinstance(alias, str) and alias:
        await _check_alias_free(issuer, (await get_client(issuer, client_id)).client_id, alias)
    names: list[str] = []

    async def settled() -> tuple[Client, Client]:
        """Return the client as it was read, and as it is to be: checked as a whole, since members depend on each other."""
        seen = await get_client(issuer, client_id)
        etags.check(seen, if_match)
        given = under_profile(issuer, ClientInput.read(as_input(seen) | dict(changes)))
        sector = await check_surroundings(issuer, given, "" if adopts else seen.openly_registered_network)
        secrets = seen.secrets if has_secret(given.auth_method) else ()
        if given.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT:  # other secrets are only known as hashes
            secrets = tuple(secret for secret in secrets if secret.sealed)
        else:  # a secret that need not be read again is stored as a hash only
            secrets = tuple(msgspec.structs.replace(secret, sealed="", sealed_under="") for secret in secrets)
        changed = msgspec.structs.replace(seen, **given.members(), secrets=secrets, sector_identifier=sector)
        names[:] = (name for name in given.members() if getattr(changed, name) != getattr(seen, name))
        return seen, changed.adopted() if adopts else changed.unchecked(seen)

    client = await _change_settled(issuer, client_id, settled)
    note_changed(names)
    log.info(Event.CLIENT_UPDATED, extra={"client_id": client.client_id, "changed": sorted(names)})
    return client


async def set_registration(issuer: Issuer, name: str, metadata: dict[str, Any]) -> Client:
    """Change the metadata that are only returned to a client that registered itself. Raises NotFound."""

    def changed(client: Client) -> Client:
        held = client.registration
        registration = msgspec.structs.replace(held, metadata=metadata) if held else None
        return msgspec.structs.replace(client, registration=registration).unchecked(client)

    return await change_client(issuer, name, changed)


@audited("client.rotate_secret", "client:client_id")
async def rotate_secret(
    issuer: Issuer,
    client_id: ClientName,
    secret: ImportedSecret = None,
    keep_old: Annotated[
        bool, Field(description="The last secret stays valid until the next rotation, or until it is dropped.")
    ] = False,
) -> NewSecret:
    """Give a client a new secret, generated or imported; old ones end at once unless ``keep_old``.

    Where the imported secret is the current one, nothing changes, and a kept old secret stays.
    Raises NotFound, Contended, InvalidInput.
    """
    seen = await get_client(issuer, client_id)
    if secret is not None and await _has_secret(issuer, seen, secret):
        return NewSecret(seen, None)
    generated, new = await make_secret(issuer, seen, secret)

    def changed(client: Client) -> Client:
        if not has_secret(client.auth_method):
            raise InvalidInput(f"client {client.client_id} has auth_method {client.auth_method}: no secret to rotate")
        is_another = secret is not None and client.secrets[:1] != seen.secrets[:1]  # perhaps the same was imported
        if client.auth_method != seen.auth_method or is_another:
            raise Contended(f"client {client.client_id} is being changed by others at the same time; try again")
        return msgspec.structs.replace(client, secrets=new + (client.secrets[:1] if keep_old else ()))

    client = await change_client(issuer, client_id, changed)
    log.info(Event.CLIENT_SECRET_ROTATED, extra={"client_id": client.client_id, "old_one_kept": keep_old})
    return NewSecret(client, generated)


async def _has_secret(issuer: Issuer, client: Client, secret: str) -> bool:
    """Whether this is the client's secret, stored in the way that its method needs."""
    if not client.secrets or (client.auth_method == ClientAuthMethod.CLIENT_SECRET_JWT) != bool(
        client.secrets[0].sealed
    ):
        return False
    return await issuer.hashing.verify_secret(secret, client.secrets[0].hash)


@audited("client.drop_old_secret", "client:client_id")
async def drop_old_secret(issuer: Issuer, client_id: ClientName) -> Client:
    """End the secret that ``rotate_secret`` kept. Raises NotFound, InvalidInput where there is only one."""

    def changed(client: Client) -> Client:
        if len(client.secrets) < 2:
            raise InvalidInput(f"client {client.client_id} has no old secret to drop")
        return msgspec.structs.replace(client, secrets=client.secrets[:1])

    client = await change_client(issuer, client_id, changed)
    log.info(Event.CLIENT_OLD_SECRET_DELETED, extra={"client_id": client.client_id})
    return client


def describe(client: Client) -> dict[str, Any]:
    """Return the client as output: every member, but of secrets only that they exist."""
    described = {field: getattr(client, field) for field in Client.__struct_fields__}
    described["public"] = client.public
    del described["later_method"]  # the method shows it
    held = described.pop("registration")
    described |= {"registered_itself": True, "approved": held.approved} if held else {"registered_itself": False}
    described["etag"] = etags.etag(client)
    described["properties"] = [describe_property(member) for member in client.properties]
    described["secrets"] = [
        {"kind": "generated" if is_generated(secret.hash) else "imported", "created_at": secret.created_at}
        for secret in client.secrets
    ]
    return described


# internals


async def change_client(issuer: Issuer, name: str, changed: Callable[[Client], Client]) -> Client:
    """Read the client, change it, compare and set, for changes that need only the client. Raises NotFound, Contended."""

    async def settled() -> tuple[Client, Client]:
        seen = await get_client(issuer, name)
        return seen, changed(seen)

    return await _change_settled(issuer, name, settled)


async def _change_settled(issuer: Issuer, name: str, settled: Callable[[], Awaitable[tuple[Client, Client]]]) -> Client:
    """Read the client, change it, compare and set; repeat where another caller was first."""
    for _ in range(_TRIES):
        seen, wanted = await settled()
        if wanted == seen:  # perhaps an earlier attempt was cut off after writing, before it notified other processes
            await issuer.store.clients.publish_change(seen.client_id, seen.alias)
            return seen
        try:
            changed = await _save(issuer, wanted, seen)
        except ChangedMeanwhileError:
            continue
        if seen.was_registered_openly and not changed.was_registered_openly:
            issuer.store.self_registrations.adopt_soon(changed)
        return changed
    raise Contended(f"client {name!r} is being changed by others at the same time; look at it and try again")


async def _save(issuer: Issuer, wanted: Client, seen: Client) -> Client:
    """Save a changed client; where its users are called otherwise than before, end all that it was issued.

    A grant that went on would have two subject identifiers (OpenID Connect Core 12.2, 5.3.2). Raises ChangedMeanwhileError.
    """
    if sector_for(wanted) == sector_for(seen):
        await issuer.store.clients.save(wanted, seen)
        return wanted
    ended = wanted.ended(int(issuer.clock() * 1000))
    facts = about_revoked(Revoked.CLIENT, "subjects_changed", client_id=ended.client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts):
        await issuer.store.clients.save(ended, seen)
    log.info(Event.CLIENT_REVOKED, extra={"client_id": ended.client_id})
    return ended


async def _check_free(issuer: Issuer, client_id: str, alias: str | None) -> None:
    holder = await issuer.store.clients.read(client_id)
    if holder is not None and holder.client_id == client_id:
        raise AlreadyExists(f"there is a client {client_id!r} already; `mintmark client update` changes it")
    if holder is not None:
        raise AlreadyExists(f"client_id: {client_id!r} is the alias of the client {holder.client_id!r}")
    if alias:
        await _check_alias_free(issuer, client_id, alias)


async def _check_alias_free(issuer: Issuer, client_id: str, alias: str) -> None:
    holder = await issuer.store.clients.read(alias)
    if holder is not None and (holder.client_id != client_id or alias == client_id):
        raise AlreadyExists(f"alias: {alias!r} names the client {holder.client_id!r} already")


def as_input(client: Client) -> dict[str, Any]:
    """Return the members of a client as ``ClientInput`` reads them."""
    members = {name: getattr(client, name) for name in ClientInput.model_fields}
    return members | {"properties": [describe_property(member) for member in client.properties]}
