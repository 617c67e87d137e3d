"""A request that its client polls for (RFC 8628, OpenID Connect CIBA), until it is decided and the client has its tokens."""

from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.binding import UNBOUND, Binding
from service.records.json import Record


class PolledRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """A request to be decided: sealed in Redis while it waits."""

    request: AuthorizationRequest
    client_generation: int
    """The generation of the client when it asked."""
    ends_at: int
    """Epoch seconds."""


class Allowance(Record, frozen=True, omit_defaults=True, gc=False):
    """What is stored of an allowed request in addition to its grant."""

    binding: Binding = UNBOUND
    """The key that the client named when it asked: no other holder gets the tokens."""
    by: str = ""
    """A random word: only one of two concurrent calls that allow the same has done it."""
