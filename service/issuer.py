"""The issuer: everything that endpoints need, as one frozen bundle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from service.concurrency.background_tasks import BackgroundTasks
from service.crypto.client_keys import ClientKeys
from service.crypto.dpop_nonces import DpopNonces
from service.crypto.dpop_proofs import DpopProofs
from service.crypto.keyring import Keyring
from service.crypto.passwords import Hashing
from service.crypto.sealing import RequestSealing, Sealing
from service.directory import Directory
from service.hooks import Hooks
from service.observe.audit_file import AuditFile
from service.observe.audit_sums import AuditSums
from service.observe.metrics import Metrics
from service.observe.refusals import Refusals
from service.outbound.http_client import HttpClient
from service.outbound.silent_servers import SilentServers
from service.protocol.credentials import Randomness, RandomText
from service.protocol.profiles import Demands, demands_of
from service.records.client import Client
from service.settings import Settings
from service.settings.plain import plain
from service.store.store import Store

if TYPE_CHECKING:
    from service.observe.tracing import Tracing


class CurrentClients(Protocol):
    """Clients whose client_id is the URL of a document (``admin.client_documents``)."""

    async def current(self, issuer: "Issuer", client_id: str, held: Client | None, address: str) -> Client | None:
        """The client as its document says now; ``held`` where it has none. Raises InvalidClient, TemporarilyUnavailable."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """What serves the requests of one issuer."""

    url: str
    """The issuer identifier."""
    settings: Settings
    store: Store
    directory: Directory
    hashing: Hashing
    http_client: HttpClient
    background: BackgroundTasks
    """Background tasks of this process."""
    keyring: Keyring | None
    """Our signing keys, None where OpenID Connect is off."""
    client_documents: CurrentClients
    """What clients are by their documents."""
    client_keys: ClientKeys
    """Keys of clients and trusted issuers."""
    dpop_proofs: DpopProofs
    """Verifies that clients hold the keys of their tokens."""
    dpop_nonces: DpopNonces
    sealing: Sealing
    """Seals under the master key, where there is one."""
    request_sealing: RequestSealing
    """Seals what browsers keep for us."""
    hooks: Hooks
    """The operator's own code."""
    metrics: Metrics
    refusals: Refusals
    """Refused requests, for operators."""
    clock: Callable[[], float]
    """Epoch seconds."""
    randomness: Randomness
    """Number of bytes → random bytes."""
    random_text: RandomText
    """Number of characters → random ones of base64url."""
    audit_file: AuditFile | None = None
    """A second audit log besides the one in Redis."""
    audit_sums: AuditSums = field(default_factory=AuditSums)
    """Acts of programs that are summed for the audit log."""
    silent_servers: SilentServers = field(default_factory=SilentServers)
    """Servers of clients to which nothing is delivered for a while."""
    tracing: "Tracing | None" = None
    """None where traces are off."""

    def __post_init__(self) -> None:
        """Let requests read the settings fast."""
        object.__setattr__(self, "settings", plain(self.settings))

    def url_of(self, path: str) -> str:
        """Return the URL of a path of ours.

        A slash that ends the issuer's name is a part of the name, not of what is built on it (OpenID Connect Discovery 1.0
        section 4.1).
        """
        return self.url.rstrip("/") + path

    def demands_on(self, client: Client) -> Demands:
        """Return what the profiles of settings and client demand of the client's requests."""
        return demands_of(self.settings.profile, client.profile)

    def mtls_url_of(self, path: str) -> str:
        """Return the URL of a path of ours where clients are asked for a certificate, "" if there is no other one."""
        place = self.settings.mtls_url
        return place.rstrip("/") + path if place else ""
