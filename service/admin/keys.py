"""Our signing keys, as an operator sees them: listed, rotated, taken out of use."""

import logging
from typing import Annotated

from pydantic import Field

from service.admin.audit import audited
from service.admin.errors import InvalidInput, NotFound
from service.admin.input import Name
from service.crypto import key_schedule
from service.crypto.keyring import Keyring, KnownKey
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.names import SigningAlgorithm
from service.records.signing_key import SigningKey

log = logging.getLogger(__name__)

KeyId = Annotated[Name, Field(description="As `mintmark key list` names it.")]


async def list_keys(issuer: Issuer) -> list[KnownKey]:
    """Every key that is known, also those that only verify old hints. Raises InvalidInput where OpenID Connect is off."""
    return _keyring(issuer).known()


@audited("key.rotate")
async def rotate_keys(
    issuer: Issuer,
    algorithm: Annotated[SigningAlgorithm | None, Field(description="Only this one.")] = None,
    at_once: Annotated[bool, Field(description="Sign with the new keys in 15 seconds: for emergencies.")] = False,
) -> list[KnownKey]:
    """Make the next keys. They sign once no client can hold a JWKS without them (``jwks_lifetime``), unless at once.

    Where the next key waits already, nothing is made. Raises InvalidInput.
    """
    keyring = _changeable(issuer)
    algorithms = issuer.settings.signing_algorithms if algorithm is None else (algorithm,)
    if algorithm is not None and algorithm not in issuer.settings.signing_algorithms:
        raise InvalidInput(f"algorithm: {algorithm.value} is not one of signing_algorithms")
    keys = await keyring.rotate(algorithms, at_once=at_once)
    log.warning(Event.SIGNING_KEYS_ROTATED, extra={"keys": [key.kid for key in keys], "at_once": at_once})
    now = int(issuer.clock())
    return [KnownKey(key, key_schedule.state(key, now)) for key in keys]


@audited("key.retire", "key:kid")
async def retire_key(issuer: Issuer, kid: KeyId) -> SigningKey:
    """Trust a key no more: it leaves the JWKS at once, and another one signs. Raises NotFound, InvalidInput."""
    key = await _changeable(issuer).retire(kid)
    if key is None:
        raise NotFound(f"there is no key {kid!r}; `mintmark key list` shows all")
    log.warning(Event.SIGNING_KEY_RETIRED, extra={"kid": kid, "algorithm": key.algorithm})
    return key


def _keyring(issuer: Issuer) -> Keyring:
    if issuer.keyring is None:
        raise InvalidInput("master_key: not set, so OpenID Connect is off; `mintmark key master` makes one")
    return issuer.keyring


def _changeable(issuer: Issuer) -> Keyring:
    if issuer.settings.signing_key_files:
        raise InvalidInput("signing_key_files: the keys come from files; change those")
    return _keyring(issuer)
