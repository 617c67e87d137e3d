"""Filling a Redis with millions of grants: copies of the keys of one that the service made.

The service needs a hundred microseconds for a grant, and half an hour for ten million; a copy of the keys needs a tenth of
that. Between the copies the service makes the grants whose tokens are used afterwards, so that these are spread over all.
"""

import asyncio
import re
from collections.abc import Callable

from loadtests.supplies import Supplier, in_bulk
from service.tokens.authorization import Issued
from tests.redis_shapes import Node, Shape

AT_ONCE = 2_000
"""Copies in one write, which is some MB for any number of grants."""
MADE_AT_ONCE = 500
_DONE = b"+OK\r\n"


class CopyFailedError(RuntimeError):
    """Redis refused a copy."""


class Copies:
    """Copies of the keys of one grant and its user, each with other ids."""

    def __init__(self, node: Node, grant_id: str, subject: str) -> None:
        """Read the grant of this user, who has no other."""
        admin, own = node.admin, (grant_id.encode(), subject.encode())
        found = {key for part in (grant_id, subject) for key in admin.scan_iter(f"*{part}*", count=10_000)}
        self.keys = sorted(found)
        template = b"".join(_restore(key, admin.dump(key) or b"", admin.pexpiretime(key), own) for key in self.keys)
        self._parts = re.split(b"(\0grant\0|\0subject\0)", template)
        self._grants = [place for place, part in enumerate(self._parts) if part == b"\0grant\0"]
        self._subjects = [place for place, part in enumerate(self._parts) if part == b"\0subject\0"]
        self._lengths = tuple(map(len, own))
        self._node = node
        self._number = 0

    async def write(self, count: int) -> None:
        """Write so many more copies. Raises CopyFailedError."""
        reader, writer = await asyncio.open_connection(self._node.host, self._node.port)
        try:
            while count > 0:
                some = min(count, AT_ONCE)
                writer.write(b"".join(self._next() for _ in range(some)))
                answers = await reader.readexactly(some * len(self.keys) * len(_DONE))
                if answers != _DONE * (len(answers) // len(_DONE)):
                    raise CopyFailedError(answers[:200].decode(errors="replace"))
                count -= some
        finally:
            writer.close()

    def _next(self) -> bytes:
        """Return the commands that write the next copy, with ids as long as the service's own."""
        self._number += 1
        grant_length, subject_length = self._lengths
        grant, subject = b"%0*x" % (grant_length, self._number), b"%0*x" % (subject_length, self._number)
        parts = self._parts
        for place in self._grants:
            parts[place] = grant
        for place in self._subjects:
            parts[place] = subject
        return b"".join(parts)


async def fill(
    redis: Shape, supplies: Supplier, count: int, sample: int, report: Callable[[int], None] = lambda _: None
) -> list[Issued]:
    """Add so many grants, and return a sample that the service made, spread over all of them.

    Args:
        redis: The Redis to fill.
        supplies: Makes the grants of the sample.
        count: The number of grants.
        sample: The size of the sample.
        report: Called with the number of grants so far, now and then.

    Raises:
        CopyFailedError: Redis refused a copy.
    """
    first = await supplies.issue_grant()
    copies = Copies(redis.primaries()[0], first.grant_id, first.grant.subject)
    made: list[Issued] = []
    rounds = max(sample // MADE_AT_ONCE, 1)
    for number in range(1, rounds + 1):
        made += await in_bulk(supplies.issue_grant, min(MADE_AT_ONCE, sample))
        await copies.write((count - sample) * number // rounds - (count - sample) * (number - 1) // rounds)
        report(count * number // rounds)
    return made


def _restore(key: bytes, dumped: bytes, ends_at: int, own: tuple[bytes, bytes]) -> bytes:
    """Return the command that writes this value under this key, with marks in place of the grant's and user's ids."""
    named = key.replace(own[0], b"\0grant\0").replace(own[1], b"\0subject\0")
    until = b"%d" % max(ends_at, 0)
    arguments = ((len(key), named), (len(until), until), (len(dumped), dumped), (6, b"ABSTTL"), (7, b"REPLACE"))
    return b"*6\r\n$7\r\nRESTORE\r\n" + b"".join(b"$%d\r\n%b\r\n" % argument for argument in arguments)
