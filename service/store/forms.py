"""Forms that were sent, with the answers to them, for the case that the same form is sent again: a double click."""

from service.store.record_store import RecordStore

MARK_BYTES = 16
"""What a claim is long, which no sealed answer is: its nonce and tag alone have more."""
_UNDER_WAY = 30
"""Seconds for which a form counts as being answered, should the process that took it die."""
_REPEATED = 20
"""Seconds for which an answer is given again."""


class Forms(RecordStore):
    """Forms in Redis, by a hash that only the browser that sent one can make. Each method is one round trip at most."""

    async def claim(self, form: str, by: bytes) -> bool:
        """Whether this form is sent for the first time: then the caller has to answer it.

        ``by`` are ``MARK_BYTES`` random bytes, by which a claim that is sent again after a dropped connection knows its own.
        """
        return await self._replaced(self._keys.form(form), b"", by, _UNDER_WAY)

    async def get(self, form: str) -> bytes | None:
        """Return the sealed answer, empty while it is being made; None where there is none."""
        key = self._keys.form(form)
        found: bytes | None = await self._connection.execute(key, "GET", key)
        return b"" if found and len(found) == MARK_BYTES else found

    def keep_soon(self, form: str, sealed: bytes) -> None:
        """Store the answer for a moment, without waiting."""
        key = self._keys.form(form)
        self._connection.execute_soon(key, ("SET", key, sealed, "EX", _REPEATED))

    def release_soon(self, form: str) -> None:
        """Let a form be sent again after an answer that failed."""
        key = self._keys.form(form)
        self._connection.execute_soon(key, ("DEL", key))
