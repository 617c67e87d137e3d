"""Clients: registered, changed, given new secrets, disabled, revoked, deleted."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from service.admin import etags
from service.admin.audit import audited
from service.admin.client_input import ClientInput
from service.admin.client_numbers import forget_number
from service.admin.client_sector import checked_sector
from service.admin.errors import AlreadyExists, NotFound, Refused
from service.admin.input import describe_property
from service.admin.paging import cursor_checked
from service.client_auth.secret import MAX_SECRET
from service.crypto.passwords import hash_generated, is_generated
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.credentials import new_client_secret
from service.protocol.names import ClientAuthMethod, HmacAlgorithm, HookEvent
from service.records.client import Client, ClientSecret, Registration
from service.store.clients import ChangedMeanwhileError
from service.store.grants import NEVER

log = logging.getLogger(__name__)

MIN_SECRET = 8
"""Characters of an imported secret; the ones we generate have 49."""
_TRIES = 5


def check_secret(secret: str) -> None:
    """Raises Refused for a secret that may not be imported (RFC 6749 appendix A.2: printable ASCII)."""
    if not secret.isascii() or not secret.isprintable():
        raise Refused("secret: must be printable ASCII (RFC 6749 appendix A.2)")
    if not MIN_SECRET <= len(secret) <= MAX_SECRET:
        raise Refused(f"secret: must have {MIN_SECRET} to {MAX_SECRET} characters; leave it out and one is generated")


# what is done


class NewSecret(NamedTuple):
    """``secret``: in clear, only here and only now; None where it was imported or the client is public."""

    client: Client
    secret: str | None


class ClientPage(NamedTuple):
    """``cursor``: where the next page begins, empty at the end; a page may be empty though more follow."""

    clients: list[Client]
    cursor: str


@audited("client.create", "client:given.client_id")
async def create_client(
    issuer: Issuer, given: ClientInput, secret: str | None = None, *, registration: Registration | None = None
) -> NewSecret:
    """Register a client. ``secret``: one to import; without it a confidential client gets one of 256 random bits;
    ``registration``: it registers itself (RFC 7591).

    Raises AlreadyExists, Refused.
    """
    if not given.auth_method.has_secret and secret is not None:
        raise Refused(f"secret: a client with auth_method {given.auth_method} has none")
    await _check_free(issuer, given.client_id, given.alias)
    generated, secrets = await _make_secret(issuer, given, secret)
    now = int(issuer.clock())
    # Beginning at the time of day, not at 0: grants of a deleted client of the same name must not come alive again.
    client = Client(
        **given.members(),
        sector_identifier=await checked_sector(issuer, given),
        generation=_milliseconds(issuer),
        created_at=now,
        secrets=secrets,
        registration=registration,
    )
    lifetime = issuer.settings.registration_unused_lifetime if client.is_strangers else 0
    try:
        await issuer.store.clients.save(client, None, lifetime)
    except ChangedMeanwhileError as error:
        raise AlreadyExists(f"somebody else registered it meanwhile: {error}") from error
    log.info(Event.CLIENT_CREATED, extra={"client_id": client.client_id, "grant_types": client.grant_types})
    return NewSecret(client, generated)


async def get_client(issuer: Issuer, name: str) -> Client:
    """The client of this client_id or alias, as Redis has it now. Raises NotFound."""
    client = await issuer.store.clients.read(name)
    if client is None:
        raise NotFound(f"there is no client {name!r}; `mintmark client list` shows all")
    return client


async def list_clients(issuer: Issuer, cursor: str = "", count: int = 100) -> ClientPage:
    """A page of clients in no order; looks at some ``10 × count`` keys. Raises Refused for a bad cursor."""
    with cursor_checked(cursor):
        return ClientPage(*await issuer.store.clients.list_page(cursor, count))


@audited("client.update", "client:name", changed="changes")
async def update_client(
    issuer: Issuer, name: str, changes: Mapping[str, Any], *, if_match: str | None = None, adopts: bool = True
) -> Client:
    """Change members of ``ClientInput``; the client is checked as a whole with them. Secrets and tokens stay.

    ``adopts``: it is an operator's from now on, even if it registered itself: it is kept also while it is not used.

    A client that needs no secret any more loses it; one that needs one, or one that can be read again (client_secret_jwt),
    has none until ``rotate_secret``. ``if_match``: see ``etags.check``.
    Raises NotFound, AlreadyExists (alias), Outdated, Refused.
    """
    if "client_id" in changes:
        raise Refused("client_id: cannot be changed; tokens and grants name it. Create another client.")
    alias = changes.get("alias")
    if isinstance(alias, str) and alias:
        await _check_alias_free(issuer, (await get_client(issuer, name)).client_id, alias)

    async def settled() -> tuple[Client, Client]:
        """The client as it was seen, and as it is to be: whole, for some members are good or bad together."""
        seen = await get_client(issuer, name)
        etags.check(seen, if_match)
        given = ClientInput.read(_as_input(seen) | dict(changes))
        sector = await checked_sector(issuer, given)
        secrets = seen.secrets if given.auth_method.has_secret else ()
        if given.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT:  # of the others only hashes are known
            secrets = tuple(secret for secret in secrets if secret.sealed)
        else:  # what need not be read again is kept as a hash only
            secrets = tuple(msgspec.structs.replace(secret, sealed="", sealed_under="") for secret in secrets)
        changed = msgspec.structs.replace(seen, **given.members(), secrets=secrets, sector_identifier=sector)
        return seen, changed.adopted() if adopts else changed.unchecked(seen)

    client = await _change_settled(issuer, name, settled)
    log.info(Event.CLIENT_UPDATED, extra={"client_id": client.client_id, "changed": sorted(changes)})
    return client


async def set_registration(issuer: Issuer, name: str, metadata: dict[str, Any]) -> Client:
    """Change what a client that registered itself wants to be told again. Raises NotFound."""

    def changed(client: Client) -> Client:
        held = client.registration
        registration = msgspec.structs.replace(held, metadata=metadata) if held else None
        return msgspec.structs.replace(client, registration=registration).unchecked(client)

    return await change_client(issuer, name, changed)


@audited("client.rotate_secret", "client:name")
async def rotate_secret(issuer: Issuer, name: str, *, secret: str | None = None, keep_old: bool = False) -> NewSecret:
    """Give a client a new secret, generated or imported; the old ones end at once.

    ``keep_old``: the last one stays valid beside it until the next rotation or ``drop_old_secret``. Raises NotFound, Refused.
    """
    seen = await get_client(issuer, name)
    generated, new = await _make_secret(issuer, seen, secret)

    def changed(client: Client) -> Client:
        if not client.auth_method.has_secret:
            raise Refused(f"client {client.client_id} has auth_method {client.auth_method}: no secret to rotate")
        if client.auth_method is not seen.auth_method:
            raise Refused(f"client {client.client_id} is being changed by others at the same time; try again")
        return msgspec.structs.replace(client, secrets=new + (client.secrets[:1] if keep_old else ()))

    client = await change_client(issuer, name, changed)
    log.info(Event.CLIENT_SECRET_ROTATED, extra={"client_id": client.client_id, "old_one_kept": keep_old})
    return NewSecret(client, generated)


@audited("client.drop_old_secret", "client:name")
async def drop_old_secret(issuer: Issuer, name: str) -> Client:
    """End the secret that ``rotate_secret`` kept. Raises NotFound, Refused where there is only one."""

    def changed(client: Client) -> Client:
        if len(client.secrets) < 2:
            raise Refused(f"client {client.client_id} has no old secret to drop")
        return msgspec.structs.replace(client, secrets=client.secrets[:1])

    client = await change_client(issuer, name, changed)
    log.info(Event.CLIENT_OLD_SECRET_DELETED, extra={"client_id": client.client_id})
    return client


@audited("client.disable", "client:name")
async def disable_client(issuer: Issuer, name: str) -> Client:
    """Refuse the client, and whatever it was issued, from now on until it is enabled again. Raises NotFound."""
    return await _enable(issuer, name, enabled=False)


@audited("client.enable", "client:name")
async def enable_client(issuer: Issuer, name: str) -> Client:
    """Take back ``disable_client``: what it was issued and has not expired counts again. Raises NotFound."""
    return await _enable(issuer, name, enabled=True)


@audited("client.revoke", "client:name")
async def revoke_client(issuer: Issuer, name: str) -> Client:
    """End everything issued to the client so far, at once and for good; it may ask anew. Raises NotFound."""

    def changed(client: Client) -> Client:
        return client.ended(_milliseconds(issuer))

    client_id = (await get_client(issuer, name)).client_id
    facts = about_revoked(Revoked.CLIENT, "revoked_by_operator", client_id=client_id)
    async with issuer.hooks.telling(HookEvent.REVOKED, **facts):
        client = await change_client(issuer, name, changed)
    log.info(Event.CLIENT_REVOKED, extra={"client_id": client.client_id})
    return client


@audited("client.delete", "client:name")
async def delete_client(issuer: Issuer, name: str) -> Client:
    """Delete a client, and with it everything it was issued; the client as it was, disabled. Raises NotFound."""
    try:
        client = await get_client(issuer, name)
    except NotFound:
        await issuer.store.clients.tell(name)  # an earlier try may have been cut off before it told the others
        raise
    facts = about_revoked(Revoked.CLIENT, "deleted", client_id=client.client_id)
    async with issuer.hooks.telling(HookEvent.REVOKED, **facts):
        if not await issuer.store.clients.delete(client):
            raise NotFound(f"client {name!r} was deleted meanwhile")
    if client.registration is not None:
        issuer.store.registrations.release_soon(client.client_id, client.registration.network)
    await forget_number(issuer, client.client_id)
    log.info(Event.CLIENT_DELETED, extra={"client_id": client.client_id})
    return msgspec.structs.replace(client, enabled=False)


def needs_sweep(issuer: Issuer, client: Client) -> bool:
    """Whether grants of this client never end by themselves."""
    return not _refresh_tokens_end(issuer, client)


async def sweep_client(issuer: Issuer, client: Client) -> int:
    """Free what ``revoke_client`` or ``delete_client`` left in Redis without an end; how many grants that were.

    They are dead already. Only refresh tokens that never expire need this: all else ends by its TTL. Walks over the keys.
    """
    if not needs_sweep(issuer, client):
        return 0
    swept, cursor = 0, ""
    while True:
        ended, cursor = await sweep_client_page(issuer, client.client_id, cursor, 1000)
        swept += ended
        if not cursor:
            return swept


async def sweep_client_page(issuer: Issuer, client_id: str, cursor: str = "", count: int = 100) -> tuple[int, str]:
    """A part of ``sweep_client``, by the client as it is now: how many grants were freed, and the cursor of the next part,
    empty at the end. Looks at some ``10 × count`` keys. Raises Refused for a bad cursor.
    """
    client = await issuer.store.clients.read(client_id)
    generation = client.generation if client is not None and client.client_id == client_id else None
    with cursor_checked(cursor):
        page = await issuer.store.grants.list_of_client(client_id, cursor, count)
    swept = 0
    for listed in page.grants:
        if listed.ends_at == NEVER and (generation is None or listed.grant.client_generation < generation):
            swept += await issuer.store.grants.revoke(listed.grant_id, listed.grant.subject)
    return swept, page.cursor


def describe(client: Client) -> dict[str, Any]:
    """The client for people and programs: every member, but of secrets only that they are there."""
    described = {field: getattr(client, field) for field in Client.__struct_fields__}
    described["public"] = client.public
    held = described.pop("registration")
    described |= {"registered_itself": True, "approved": held.approved} if held else {"registered_itself": False}
    described["properties"] = [describe_property(member) for member in client.properties]
    described["secrets"] = [
        {"kind": "generated" if is_generated(secret.hash) else "imported", "created_at": secret.created_at}
        for secret in client.secrets
    ]
    return described


# how it is done


async def change_client(issuer: Issuer, name: str, changed: Callable[[Client], Client]) -> Client:
    """Read, change, compare and set: for changes that need nothing but the client. Raises NotFound, Refused."""

    async def settled() -> tuple[Client, Client]:
        seen = await get_client(issuer, name)
        return seen, changed(seen)

    return await _change_settled(issuer, name, settled)


async def _change_settled(issuer: Issuer, name: str, settled: Callable[[], Awaitable[tuple[Client, Client]]]) -> Client:
    """Read, change, compare and set; again where somebody else was first."""
    for _ in range(_TRIES):
        seen, wanted = await settled()
        if wanted == seen:  # perhaps because an earlier try was cut off after writing, before it told the others
            await issuer.store.clients.tell(seen.client_id, seen.alias)
            return seen
        try:
            await issuer.store.clients.save(wanted, seen)
        except ChangedMeanwhileError:
            continue
        if seen.is_strangers and not wanted.is_strangers:
            issuer.store.registrations.adopt_soon(wanted)
        return wanted
    raise Refused(f"client {name!r} is being changed by others at the same time; look at it and try again")


def _refresh_tokens_end(issuer: Issuer, client: Client) -> bool:
    settings = issuer.settings
    idle, absolute = client.refresh_idle_lifetime, client.refresh_absolute_lifetime
    return bool(
        (settings.refresh_idle_lifetime if idle is None else idle)
        or (settings.refresh_absolute_lifetime if absolute is None else absolute)
    )


def _milliseconds(issuer: Issuer) -> int:
    return int(issuer.clock() * 1000)


async def _enable(issuer: Issuer, name: str, *, enabled: bool) -> Client:
    client = await change_client(issuer, name, lambda client: msgspec.structs.replace(client, enabled=enabled))
    log.info(Event.CLIENT_ENABLED if enabled else Event.CLIENT_DISABLED, extra={"client_id": client.client_id})
    return client


async def _make_secret(
    issuer: Issuer, owner: Client | ClientInput, imported: str | None
) -> tuple[str | None, tuple[ClientSecret, ...]]:
    """The secret in clear where we made it, and as it is kept; none where the method has none. Raises Refused."""
    if not owner.auth_method.has_secret:
        return None, ()
    now, algorithm = int(issuer.clock()), HmacAlgorithm.HS256
    if owner.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT:
        algorithm = HmacAlgorithm(owner.token_endpoint_auth_signing_alg or algorithm)
    secret = new_client_secret(issuer.randomness, algorithm.bytes) if imported is None else imported
    sealed = ("", "")
    if owner.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT:
        sealed = _sealed(issuer, owner, secret, algorithm)
    if imported is None:
        return secret, (ClientSecret(hash_generated(secret), now, *sealed),)
    check_secret(secret)
    return None, (ClientSecret(await issuer.hashing.hash(secret), now, *sealed),)


def _sealed(issuer: Issuer, owner: Client | ClientInput, secret: str, algorithm: HmacAlgorithm) -> tuple[str, str]:
    """The secret for assertions, encrypted, and under which master key. Raises Refused where it is too short for its HMAC."""
    if not issuer.sealing.current:
        raise Refused("auth_method: client_secret_jwt needs the setting master_key, to keep secrets encrypted")
    if len(secret) < algorithm.bytes:
        raise Refused(f"secret: must have {algorithm.bytes} characters or more for {algorithm} (RFC 7518 section 3.2)")
    return issuer.sealing.seal_text(secret, owner.client_id, issuer.randomness), issuer.sealing.current


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


def _as_input(client: Client) -> dict[str, Any]:
    members = {name: getattr(client, name) for name in ClientInput.model_fields}
    return members | {"properties": [describe_property(member) for member in client.properties]}
