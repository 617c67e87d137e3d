"""The store as one value: a connection and the kinds of records kept through it."""

import asyncio
import time
from dataclasses import dataclass

from service.observe.counting import Cache
from service.observe.redis_watch import RedisWatch
from service.protocol.errors import TemporarilyUnavailable
from service.records.logout_delivery import LogoutDelivery
from service.records.notification import Notification
from service.redis import address
from service.redis.connection import FLAGS_SINCE, Connection
from service.redis.errors import LinkLostError, ReplyError
from service.redis.opening import open_connection
from service.settings import Settings
from service.store import (
    audit,
    clients,
    codes,
    consents,
    deliveries,
    endings,
    failures,
    grant_updates,
    grants,
    initial_access_tokens,
    known_places,
    refused_requests,
    registrations,
    replay_checks,
    sessions,
    tickets,
    tokens,
    user_index,
    waiting,
)
from service.store.client_numbers import ClientNumbers
from service.store.decision_tickets import DecisionTickets
from service.store.fitness import Check
from service.store.fitness import StoreUnfitError as StoreUnfitError
from service.store.forms import Forms
from service.store.indexing import Indexing
from service.store.keys import Keys
from service.store.operator_sessions import OperatorSessions
from service.store.pseudonyms import Pseudonyms
from service.store.scanning import Scanning
from service.store.signing_keys import SigningKeys
from service.store.trusted_issuers import TrustedIssuers
from service.store.users import Users
from service.store.writability import Writability

_MODULES = (
    grant_updates,
    audit,
    clients,
    codes,
    consents,
    failures,
    grants,
    deliveries,
    known_places,
    initial_access_tokens,
    registrations,
    replay_checks,
    sessions,
    tickets,
    tokens,
    user_index,
    waiting,
)
SCRIPTS = tuple(script for module in _MODULES for script in module.SCRIPTS)


@dataclass(frozen=True, slots=True)
class Store:
    """All of Mintmark's records."""

    connection: Connection
    keys: Keys
    grant_updates: grant_updates.GrantUpdates
    audit: audit.Audit
    refused_requests: refused_requests.RefusedRequests
    client_numbers: ClientNumbers
    clients: clients.Clients
    codes: codes.Codes
    consents: consents.Consents
    decision_tickets: DecisionTickets
    endings: endings.Endings
    failures: failures.Failures
    forms: Forms
    grants: grants.Grants
    indexing: Indexing
    known_places: known_places.KnownPlaces
    logouts: deliveries.Deliveries[LogoutDelivery]
    notifications: deliveries.Deliveries[Notification]
    operator_sessions: OperatorSessions
    pseudonyms: Pseudonyms
    initial_access_tokens: initial_access_tokens.InitialAccessTokens
    registrations: registrations.Registrations
    replay_checks: replay_checks.ReplayChecks
    sessions: sessions.Sessions
    signing_keys: SigningKeys
    tickets: tickets.Tickets
    tokens: tokens.Tokens
    trusted_issuers: TrustedIssuers
    users: Users
    waiting: waiting.Waiting
    scanning: Scanning
    writability: Writability

    async def close(self) -> None:
        """Close every connection."""
        await self.connection.close()

    async def ping(self) -> None:
        """Ask every primary for a sign of life, within the timeout. Raises TemporarilyUnavailable."""
        try:
            async with asyncio.timeout(self.connection.address.timeout):
                for link in await self.connection.links():
                    await link.send(["PING"])
        except (LinkLostError, ReplyError, TimeoutError) as error:
            raise TemporarilyUnavailable(log=f"Redis: {error or 'no answer in time'}") from error


def make_store(settings: Settings, watch: RedisWatch | None = None, keys: Keys | None = None) -> Store:
    """A store that connects when first used; ``watch`` sees what it does. Raises ValueError for a bad ``redis_url``."""
    keys = keys or Keys()
    connection = open_connection(address.parse(settings), watch)
    connection.scripts.update({script.sha: script.text for script in SCRIPTS})
    if connection.confirming is not None:
        connection.confirmed_scripts = frozenset(
            sha for one in SCRIPTS if one.confirmed for sha in (one.sha, one.plain_sha)
        )
        connection.confirming.scripts = connection.scripts
    indexing = Indexing(connection, keys, settings.grants_per_user_and_client)
    writability = Writability(connection, keys)
    if watch is not None:
        watch.metrics.watch_writes(writability.shown)
    return Store(
        connection,
        keys,
        grant_updates.GrantUpdates(connection, keys, indexing),
        audit.Audit(connection, keys, settings.audit_length),
        refused_requests.RefusedRequests(connection, keys),
        ClientNumbers(connection, keys),
        clients.Clients(connection, keys, time.monotonic, watch.metrics.clients if watch else Cache()),
        codes.Codes(connection, keys, indexing),
        consents.Consents(connection, keys),
        DecisionTickets(connection, keys),
        endings.Endings(connection, keys),
        failures.Failures(connection, keys),
        Forms(connection, keys),
        grants.Grants(connection, keys),
        indexing,
        known_places.KnownPlaces(connection, keys),
        deliveries.Deliveries(connection, keys.logout_deliveries(), keys.logout_delivery, LogoutDelivery),
        deliveries.Deliveries(
            connection, keys.notifications(), keys.notification, Notification, settings.hook_notices_most
        ),
        OperatorSessions(connection, keys),
        Pseudonyms(connection, keys, settings),
        initial_access_tokens.InitialAccessTokens(connection, keys),
        registrations.Registrations(connection, keys),
        replay_checks.ReplayChecks(connection, keys),
        sessions.Sessions(connection, keys, settings.sessions_per_user),
        SigningKeys(connection, keys),
        tickets.Tickets(connection, keys),
        tokens.Tokens(connection, keys, indexing),
        TrustedIssuers(connection, keys),
        Users(connection, keys),
        waiting.Waiting(connection, keys),
        Scanning(connection, keys),
        writability,
    )


async def open_store(
    settings: Settings, *, listen: bool = True, watch: RedisWatch | None = None, keys: Keys | None = None
) -> Store:
    """A store that has been checked: Redis answers, is fit for use (``fitness``), and takes our scripts.

    Args:
        settings: Where Redis is and what is kept how long.
        listen: Whether to keep the cache of clients up with other processes.
        watch: Sees what the store does.
        keys: Other than the usual ones.

    Raises:
        TemporarilyUnavailable: Redis cannot be reached.
        StoreUnfitError: It cannot be used.
        ValueError: The ``redis_url`` is none.
    """
    store = make_store(settings, watch, keys)
    try:
        links = await store.connection.links()
        check = Check(store.connection.address, store.keys, settings, listen)
        for link in links:
            await check(link)
        if min(link.version for link in links) < FLAGS_SINCE:
            store.connection.scripts.clear()
            store.connection.scripts.update({script.plain_sha: script.plain_text for script in SCRIPTS})
        for link in links:
            for text in store.connection.scripts.values():
                await link.send(["SCRIPT", "LOAD", text])
        await store.pseudonyms.open()
    except (LinkLostError, ReplyError) as error:
        await store.close()
        raise TemporarilyUnavailable(log=f"Redis: {error}") from error
    except BaseException:
        await store.close()
        raise
    if listen:
        store.connection.listen(
            (store.keys.changes,), lambda _, message: store.clients.hear(message), store.clients.hearing
        )
    return store
