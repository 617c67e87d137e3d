"""A token request of an authenticated client, on which a grant type decides."""

import msgspec

from service.protocol.binding import UNBOUND, Binding
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.records.client import Client
from service.store.replay_checks import ReplayCheck


class TokenRequest(msgspec.Struct, frozen=True):
    """A token request. Its client is authenticated and registered for the grant type."""

    request: Request
    client: Client
    requested: Requested
    replay_checks: list[ReplayCheck]
    """The replay checks of its assertions and proofs, under way to Redis or not started yet."""
    binding: Binding = UNBOUND
    """The keys that it proves to hold."""
