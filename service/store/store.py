"""The store as one value: a connection and the kinds of records kept through it."""

import asyncio
import time

from service.observe.counting import CacheCounts
from service.observe.redis_watch import RedisWatch
from service.protocol.errors import TemporarilyUnavailable
from service.records.backchannel_request import BackchannelDelivery
from service.records.logout_delivery import LogoutDelivery
from service.records.notification import Notification
from service.redis import address
from service.redis.connection import REDIS_7, Connection
from service.redis.errors import LinkLostError, ReplyError
from service.redis.listener import start_listening
from service.redis.opening import open_connection
from service.redis.script import TEXTS
from service.settings import Settings
from service.store.approvals import Approvals
from service.store.audit import Audit
from service.store.client_numbers import ClientNumbers
from service.store.clients import Clients
from service.store.codes import Codes
from service.store.consents import Consents
from service.store.decision_tickets import DecisionTickets
from service.store.deliveries import Deliveries
from service.store.endings import Endings
from service.store.failures import Failures
from service.store.fitness import Check, crosses_slots
from service.store.forms import Forms
from service.store.grant_updates import GrantUpdates
from service.store.grants import Grants
from service.store.indexing import Indexing
from service.store.initial_access_tokens import InitialAccessTokens
from service.store.keys import Keys
from service.store.known_places import KnownPlaces
from service.store.operator_sessions import OperatorSessions
from service.store.polled_requests import PolledRequests
from service.store.pseudonyms import Pseudonyms
from service.store.pushed_requests import PushedRequests
from service.store.refused_requests import RefusedRequests
from service.store.replay_checks import ReplayChecks
from service.store.resources import Resources
from service.store.scanning import Scanning
from service.store.self_registrations import SelfRegistrations
from service.store.service_keys import ServiceKeys
from service.store.sessions import Sessions
from service.store.tickets import Tickets
from service.store.tokens import Tokens
from service.store.trusted_issuers import TrustedIssuers
from service.store.user_codes import UserCodes
from service.store.users import Users
from service.store.waiting import Waiting
from service.store.writability import Writability

_MOST_DELIVERIES = 100_000
"""The most notifications of CIBA clients that may wait."""


class Store:
    """All of Mintmark's records."""

    def __init__(self, connection: Connection, keys: Keys, settings: Settings, watch: RedisWatch | None = None) -> None:
        self.connection = connection
        self.keys = keys
        self._patience = settings.drain_seconds
        self.indexing = Indexing(connection, keys, settings.grants_per_user_and_client)
        self.writability = Writability(connection, keys)
        self.approvals = Approvals(connection, keys)
        self.audit = Audit(connection, keys, settings.audit_length)
        self.backchannel_deliveries = Deliveries(
            connection, keys.backchannel_deliveries(), keys.backchannel_delivery, BackchannelDelivery, _MOST_DELIVERIES
        )
        self.client_numbers = ClientNumbers(connection, keys)
        self.clients = Clients(connection, keys, time.monotonic, watch.metrics.clients if watch else CacheCounts())
        self.codes = Codes(connection, keys, self.indexing)
        self.consents = Consents(connection, keys)
        self.decision_tickets = DecisionTickets(connection, keys)
        self.endings = Endings(connection, keys)
        self.failures = Failures(connection, keys)
        self.forms = Forms(connection, keys)
        self.grant_updates = GrantUpdates(connection, keys, self.indexing)
        self.grants = Grants(connection, keys)
        self.initial_access_tokens = InitialAccessTokens(connection, keys)
        self.known_places = KnownPlaces(connection, keys)
        self.logouts = Deliveries(connection, keys.logout_deliveries(), keys.logout_delivery, LogoutDelivery)
        self.notifications = Deliveries(
            connection,
            keys.notifications(),
            keys.notification,
            Notification,
            settings.hook_notices_most,
        )
        self.operator_sessions = OperatorSessions(connection, keys)
        self.polled_requests = PolledRequests(connection, keys, self.indexing)
        self.pseudonyms = Pseudonyms(connection, keys, settings)
        self.pushed_requests = PushedRequests(connection, keys)
        self.refused_requests = RefusedRequests(connection, keys)
        self.resources = Resources(connection, keys)
        self.self_registrations = SelfRegistrations(connection, keys)
        self.replay_checks = ReplayChecks(connection, keys)
        self.scanning = Scanning(connection, keys)
        self.sessions = Sessions(connection, keys, settings.sessions_per_user)
        self.signing_keys = ServiceKeys(connection, keys, keys.signing_keys())
        self.encryption_keys = ServiceKeys(connection, keys, keys.encryption_keys())
        self.tickets = Tickets(connection, keys)
        self.tokens = Tokens(connection, keys, self.indexing)
        self.trusted_issuers = TrustedIssuers(connection, keys)
        self.user_codes = UserCodes(connection, keys, self.pseudonyms)
        self.users = Users(connection, keys)
        self.waiting = Waiting(connection, keys)

    async def close(self) -> None:
        """Close every connection, once what is still to be written is, or its time is over."""
        await self.indexing.close(self._patience)
        await self.connection.close()

    async def ping(self) -> None:
        """Ping every primary, within the timeout. Raises TemporarilyUnavailable."""
        try:
            async with asyncio.timeout(self.connection.address.timeout):
                for link in await self.connection.links():
                    await link.send(["PING"])
        except (LinkLostError, ReplyError, TimeoutError) as error:
            raise TemporarilyUnavailable(log=f"Redis: {error or 'no answer in time'}") from error


def make_store(settings: Settings, watch: RedisWatch | None = None, keys: Keys | None = None) -> Store:
    """Make a store that connects when it is first used; ``watch`` observes it.

    Raises ValueError for an invalid ``redis_url``.
    """
    connection = open_connection(address.parse(settings), watch)
    connection.scripts.update({script.sha: script.text for script in TEXTS})
    if connection.confirming is not None:
        connection.confirmed_scripts = frozenset(
            sha for one in TEXTS if one.confirmed for sha in (one.sha, one.plain_sha)
        )
        connection.confirming.scripts = connection.scripts
    store = Store(connection, keys or Keys(), settings, watch)
    if watch is not None:
        watch.metrics.watch_writes(store.writability.shown)
    return store


async def open_store(
    settings: Settings, *, listen: bool = True, watch: RedisWatch | None = None, keys: Keys | None = None
) -> Store:
    """Open a store and check it: Redis answers, is fit for use (``fitness``), and takes our scripts.

    Args:
        settings: Where Redis is, and how long records are kept.
        listen: Whether to update what is in memory by messages of other processes.
        watch: Observes the store.
        keys: Other than the usual ones.

    Raises:
        TemporarilyUnavailable: Redis cannot be reached.
        StoreUnfitError: It cannot be used.
        ValueError: The ``redis_url`` is invalid.
    """
    store = make_store(settings, watch, keys)
    try:
        links = await store.connection.links()
        check = Check(store.connection.address, store.keys, settings, listen)
        for link in links:
            await check(link)
        store.connection.crosses_slots = await crosses_slots(links[0], store.keys)
        oldest = min(link.version for link in links)
        store.connection.has_expiretime = oldest >= REDIS_7
        if oldest < REDIS_7:
            store.connection.scripts.clear()
            store.connection.scripts.update({script.plain_sha: script.plain_text for script in TEXTS})
        for link in links:
            for text in store.connection.scripts.values():
                await link.send(["SCRIPT", "LOAD", text])
        await store.pseudonyms.open()
        await store.resources.read()
    except (LinkLostError, ReplyError) as error:
        await store.close()
        raise TemporarilyUnavailable(log=f"Redis: {error}") from error
    except BaseException:
        await store.close()
        raise
    if listen:
        _listen(store)
    return store


def _listen(store: Store) -> None:
    """Update what is in memory by messages of other processes."""

    def hear(_: bytes, message: bytes) -> None:
        store.clients.hear(message)
        store.resources.hear(message)

    def hearing(now: bool) -> None:
        store.clients.hearing(now)
        store.resources.hearing(now)

    start_listening(store.connection, (store.keys.changes,), hear, hearing)
