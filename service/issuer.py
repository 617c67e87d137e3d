"""The issuer: everything that endpoints need, as one frozen bundle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.crypto.client_keys import ClientKeys
from service.crypto.keyring import Keyring
from service.crypto.passwords import Hashing
from service.crypto.sealing import RequestSealing, Sealing
from service.directory import Directory
from service.hooks import Hooks
from service.observe.audit_file import AuditFile
from service.observe.audit_sums import AuditSums
from service.observe.metrics import Metrics
from service.observe.refusals import Refusals
from service.outbound.background_tasks import BackgroundTasks
from service.outbound.http_client import HttpClient
from service.protocol.credentials import Randomness
from service.settings import Settings
from service.store.store import Store

if TYPE_CHECKING:
    from service.observe.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Issuer:
    """``url``: the issuer identifier; ``keyring``: our signing keys, None where OpenID Connect is off; ``client_keys``: those
    of clients; ``sealing``: encrypts under the master key, where there is one; ``request_sealing``: what browsers keep for us;
    ``http_client``: outgoing HTTP; ``background``: work beside requests; ``hooks``: the operator's own code; ``refusals``: of
    requests, for operators; ``clock``: epoch seconds; ``randomness``: number of bytes → bytes; ``audit_file``: where operators'
    acts are written beside Redis, None = nowhere; ``audit_sums``: acts of theirs that are summed; ``tracing``: None where
    traces are off.
    """

    url: str
    settings: Settings
    store: Store
    directory: Directory
    hashing: Hashing
    http_client: HttpClient
    background: BackgroundTasks
    keyring: Keyring | None
    client_keys: ClientKeys
    sealing: Sealing
    request_sealing: RequestSealing
    hooks: Hooks
    metrics: Metrics
    refusals: Refusals
    clock: Callable[[], float]
    randomness: Randomness
    audit_file: AuditFile | None = None
    audit_sums: AuditSums = field(default_factory=AuditSums)
    tracing: "Tracing | None" = None

    def url_of(self, path: str) -> str:
        """The URL of a path of ours. A slash that ends the issuer's name is a part of the name, not of what is built on it
        (OpenID Connect Discovery 1.0 section 4.1).
        """
        return self.url.rstrip("/") + path
