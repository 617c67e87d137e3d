"""The issuer: everything that endpoints need, as one frozen bundle without behaviour."""

from collections.abc import Callable
from dataclasses import dataclass

from service.directory import Directory
from service.fetching import Fetcher
from service.hashing import Hashing
from service.observe.metrics import Metrics
from service.protocol.credentials import Randomness
from service.settings import Settings
from service.signing.client_keys import ClientKeys
from service.signing.key_material import Sealing
from service.signing.keyring import Keyring
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class Issuer:
    """``url``: the issuer identifier; ``keyring``: our signing keys, None where OpenID Connect is off; ``client_keys``: those
    of clients; ``sealing``: encrypts under the master key, where there is one; ``fetcher``: outgoing HTTP; ``clock``: epoch
    seconds; ``randomness``: number of bytes → bytes.
    """

    url: str
    settings: Settings
    store: Store
    directory: Directory
    hashing: Hashing
    fetcher: Fetcher
    keyring: Keyring | None
    client_keys: ClientKeys
    sealing: Sealing
    metrics: Metrics
    clock: Callable[[], float]
    randomness: Randomness
