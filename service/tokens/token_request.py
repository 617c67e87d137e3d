"""A token request whose client is authenticated: what a grant type decides on."""

import msgspec

from service.protocol.binding import UNBOUND, Binding
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.records.client import Client
from service.store.replay_checks import ReplayCheck


class TokenRequest(msgspec.Struct, frozen=True):
    """Holding one means that the client is authenticated and registered for the grant type."""

    request: Request
    client: Client
    requested: Requested
    replay_checks: list[ReplayCheck]
    """On their way to Redis, or soon: that each assertion or proof of this request is used for the first time."""
    binding: Binding = UNBOUND
    """The keys that it proves to hold."""
