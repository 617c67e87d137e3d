"""Pseudonyms in Redis for what must not be readable there: a text that was typed as user name may be a password."""

import hmac
import secrets
from contextlib import suppress

from service.protocol.credentials import base64url
from service.redis.connection import Connection
from service.settings import Settings
from service.store.keys import Keys
from service.store.record_store import RecordStore

_BYTES = 16


class Pseudonyms(RecordStore):
    """Keyed hashes: a plain hash of something guessable is undone by guessing.

    The key is derived from the master key, or from the signing key files, so that all processes have the same one and Redis has
    none. Where there is neither, a random key is kept in Redis: that hides names from those who see single keys, but not from
    those who have a whole dump.
    """

    def __init__(self, connection: Connection, keys: Keys, settings: Settings) -> None:
        super().__init__(connection, keys)
        secret = _secret_of(settings)
        self._key = hmac.digest(secret, b"mintmark pseudonyms 1", "sha256") if secret else b""

    async def open(self) -> None:
        """Read the key from Redis where the settings hold none. One round trip then."""
        if not self._key:
            place = self._keys.pseudonyms()
            made = secrets.token_urlsafe(32)
            _, kept = await self._connection.execute_all([(place, ("SET", place, made, "NX")), (place, ("GET", place))])
            self._key = bytes(kept)

    def of(self, text: str) -> str:
        """Return the pseudonym of a text: 22 characters, the same in every process."""
        if not self._key:
            self._key = secrets.token_bytes(32)
        return base64url(hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")[:_BYTES])


def _secret_of(settings: Settings) -> bytes:
    """Return the oldest master key: while a new one is introduced, all processes have that one."""
    if settings.master_keys:
        return settings.master_keys[-1].encode()
    with suppress(OSError):  # the keyring reports what is wrong with a file
        return b"".join(path.read_bytes() for path in settings.signing_key_files)
    return b""
