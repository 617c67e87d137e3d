"""Digests of all records of a kind, listed once for the many objects that are compared with them."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import orjson

from service.admin.operations import Do
from service.declared import DeclaredKind

_PAGE = 500
_NOT_KEPT = ("hints", "client_secret", "ended", "needs_sweep", "etag")
"""Members of an output that are not part of the record, or follow from the others."""


def digest(row: dict[str, Any]) -> str:
    """Return a digest of a record, 22 characters, which differs after every change."""
    kept = {name: one for name, one in row.items() if name not in _NOT_KEPT}
    return sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()[:22]


class RecordDigests:
    """Digests by key, listed anew where they are older than ``lifetime`` seconds."""

    def __init__(self, do: Do, clock: Callable[[], float], lifetime: float) -> None:
        """Begin without digests.

        Args:
            do: Performs operations.
            clock: Returns monotonic seconds.
            lifetime: The most seconds for which a list is used.
        """
        self._do, self._clock, self._lifetime = do, clock, lifetime
        self._digests: dict[str, tuple[float, dict[str, str]]] = {}
        self._reading: dict[str, asyncio.Task[dict[str, str]]] = {}

    async def digest_of(self, kind: DeclaredKind, key: str) -> str:
        """Return the digest of a record, "" where there is none. Raises what operations raise."""
        read_at, digests = self._digests.get(kind.name, (float("-inf"), {}))
        if self._clock() - read_at > self._lifetime:
            digests = await self._read_once(kind)
        return digests.get(key, "")

    async def _read_once(self, kind: DeclaredKind) -> dict[str, str]:
        """Read the records; callers that come meanwhile wait for the same result or error."""
        reading = self._reading.get(kind.name)
        if reading is None or reading.done():
            reading = self._reading[kind.name] = asyncio.create_task(self._read(kind))
        return await asyncio.shield(reading)

    async def _read(self, kind: DeclaredKind) -> dict[str, str]:
        member = next(iter(kind.list.output.model_fields))
        has_pages = "cursor" in kind.list.input.model_fields
        digests: dict[str, str] = {}
        cursor = ""
        while True:
            page = await self._do(kind.list, {"cursor": cursor, "limit": _PAGE} if has_pages else {})
            digests.update((str(row[kind.key]), digest(row)) for row in page[member])
            cursor = page.get("cursor", "")
            if not cursor:
                self._digests[kind.name] = self._clock(), digests
                return digests
