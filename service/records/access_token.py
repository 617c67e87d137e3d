"""An access token, by its hash (IA-03 to IA-07, IA-18)."""

from typing import Any, Self

import msgspec
from msgspec import field

from service.protocol.binding import UNBOUND, Binding
from service.records.grant import Grant
from service.records.json import Record, encode
from service.records.property import Property


class Source(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A token that another one was exchanged for: the new one lives no longer."""

    client_id: str
    client_generation: int
    """The generation of its client then."""
    access_hash: str = ""
    """The hash of an access token of the same grant, "" = it depends on the grant only."""


class AccessToken(Record, frozen=True, omit_defaults=True, gc=False):
    """The members of a token that differ from its grant's."""

    issued_at: int = field(name="i")  # epoch seconds
    scope: str | None = field(default=None, name="s")  # None: the grant's
    audience: tuple[str, ...] | None = field(default=None, name="a")  # None: the grant's
    grant: Grant | None = field(default=None, name="g")
    """The whole grant, if it issues nothing else (client_credentials): no second key is needed."""
    properties: tuple[Property, ...] = field(default=(), name="p")
    """Properties that hooks, and callers of the decision API, added to this token alone."""
    members: dict[str, Any] | None = field(default=None, name="m")  # None: the grant's
    binding: Binding = field(default=UNBOUND, name="b")
    """The key of the client that every sender of the token must prove to hold (P9)."""
    sources: tuple[Source, ...] = field(default=(), name="o")
    """The tokens that it was exchanged for, the first one in front (RFC 8693); then it has a ``grant`` of its own."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode a record, or a bare number: the second of issue of a token that has nothing else of its own.

        Redis keeps such a number in 32 bytes less. The release after this one may write it, once none runs that cannot read it.

        Raises:
            msgspec.DecodeError: (a ValueError) ``data`` is not such a record.
        """
        return cls(int(data)) if data.isdigit() else super().decode(data)

    def encode(self) -> bytes:
        """Return compact JSON; of an exchanged token with a blank in front, for scripts (``lua/shared/is_exchanged.lua``)."""
        return b" " + encode(self) if self.sources else encode(self)
