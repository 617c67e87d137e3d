"""A request that its client polls for (RFC 8628, OpenID Connect CIBA), until it is decided and the client has its tokens."""

from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.binding import UNBOUND, Binding
from service.records.json import Record


class PolledRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """What is to be decided: sealed in Redis while it waits."""

    request: AuthorizationRequest
    client_generation: int
    """Of the client when it asked."""
    ends_at: int
    """Epoch seconds."""


class Allowance(Record, frozen=True, omit_defaults=True, gc=False):
    """What is kept of an allowed request beside its grant."""

    binding: Binding = UNBOUND
    """To the key that the client named when it asked: nobody else gets the tokens."""
    by: str = ""
    """A random word: of two who allow the same at once only one has done it."""
