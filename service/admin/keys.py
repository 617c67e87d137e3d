"""Our keys for operators: listing, rotating and retiring them."""

import logging
from typing import Annotated

from pydantic import Field

from service.admin.audit import audited
from service.admin.errors import InvalidInput, NotFound
from service.admin.input import Name
from service.crypto import key_schedule
from service.crypto.kept_keys import KeptKeys
from service.crypto.key_schedule import KnownKey
from service.crypto.keyring import Keyring
from service.issuer import Issuer
from service.observe.events import Event
from service.records.signing_key import SigningKey

log = logging.getLogger(__name__)

KeyId = Annotated[Name, Field(description="As `mintmark key list` names it.")]


async def list_keys(issuer: Issuer) -> list[KnownKey]:
    """Return every known key, also those that only verify old hints. Raises InvalidInput where OpenID Connect is off."""
    return _keyring(issuer).known()


@audited("key.rotate")
async def rotate_keys(
    issuer: Issuer,
    algorithm: Annotated[Name | None, Field(description="Only this one.", examples=["ES256"])] = None,
    at_once: Annotated[bool, Field(description="Sign with the new keys in 15 seconds: for emergencies.")] = False,
) -> list[KnownKey]:
    """Make the next keys. They sign once no client can have a JWKS without them (``jwks_lifetime``), unless ``at_once``.

    Keys that clients encrypt to are published in 15 seconds. Where the next key exists already, none is made. Raises
    InvalidInput.
    """
    kept = _changeable(issuer)
    if algorithm is not None and not any(algorithm in one.use.algorithms for one in kept):
        raise InvalidInput(f"algorithm: there is no key of ours for {algorithm}: `mintmark key list`")
    keys = [
        key
        for one in kept
        if (wanted := [name for name in one.use.algorithms if algorithm in (None, name)])
        for key in await one.rotate(wanted, at_once=at_once)
    ]
    log.warning(Event.SIGNING_KEYS_ROTATED, extra={"keys": [key.kid for key in keys], "at_once": at_once})
    now = int(issuer.clock())
    return [KnownKey(key, key_schedule.state(key, now)) for key in keys]


@audited("key.retire", "key:kid")
async def retire_key(issuer: Issuer, kid: KeyId) -> SigningKey:
    """Retire a key that is no longer trusted: another one replaces it in the JWKS at once. Raises NotFound, InvalidInput."""
    for one in _changeable(issuer):
        key = await one.retire(kid)
        if key is not None:
            log.warning(Event.SIGNING_KEY_RETIRED, extra={"kid": kid, "algorithm": key.algorithm})
            return key
    raise NotFound(f"there is no key {kid!r}; `mintmark key list` shows all")


def _keyring(issuer: Issuer) -> Keyring:
    if issuer.keyring is None:
        raise InvalidInput("master_key: not set, so OpenID Connect is off; `mintmark key master` makes one")
    return issuer.keyring


def _changeable(issuer: Issuer) -> list[KeptKeys]:
    """Return the keys in Redis: those for signing, if they are not in files, and those that clients encrypt to."""
    keyring = _keyring(issuer)
    signing = [] if issuer.settings.signing_key_files else [keyring.signing]
    if kept := signing + ([keyring.encryption] if keyring.encryption is not None else []):
        return kept
    raise InvalidInput("signing_key_files: the keys come from files; change those")
