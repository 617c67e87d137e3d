"""An access token, by its hash (IA-03 to IA-07, IA-18)."""

from typing import Any

import msgspec
from msgspec import field

from service.protocol.binding import UNBOUND, Binding
from service.records.grant import Grant
from service.records.json import Record
from service.records.property import Property


class Source(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a token came from, by exchange: it lives no longer than all of that."""

    client_id: str
    client_generation: int
    """Of the client when it got that."""
    access_hash: str = ""
    """Of an access token of the same grant, "" = nothing beside the grant."""


class AccessToken(Record, frozen=True, omit_defaults=True, gc=False):
    """What an access token has of its own."""

    issued_at: int = field(name="i")  # epoch seconds
    scope: str | None = field(default=None, name="s")  # None: the grant's
    audience: tuple[str, ...] | None = field(default=None, name="a")  # None: the grant's
    grant: Grant | None = field(default=None, name="g")
    """The whole grant, where it will never issue anything else (client_credentials): no second key is needed."""
    properties: tuple[Property, ...] = field(default=(), name="p")
    """What hooks, and callers of the decision API, added to this token alone."""
    members: dict[str, Any] | None = field(default=None, name="m")  # None: the grant's
    binding: Binding = field(default=UNBOUND, name="b")
    """To a key of the client, which any client that presents the token must prove to hold (P9)."""
    sources: tuple[Source, ...] = field(default=(), name="o")
    """What it was exchanged for, the first one in front (RFC 8693); it has a ``grant`` of its own then."""

    def encode(self) -> bytes:
        """Return compact JSON; of an exchanged token with a blank in front, for scripts (``lua/shared/came_from.lua``)."""
        return b" " + super().encode() if self.sources else super().encode()
