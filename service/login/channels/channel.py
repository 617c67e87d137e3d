"""What every way back to a client offers."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.issuer import Issuer
from service.login.interaction import ClientInteraction
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import ProtocolError
from service.records.session import Session


class Channel(NamedTuple):
    """The way on which a client hears what its user decided. Both functions say what the user sees next."""

    name: str
    """As it is stored in interactions."""
    answer: Callable[[Issuer, ClientInteraction, Session], Awaitable[Redirect | FormPost | Page]]
    """The user allowed the request. Raises AccessDenied, LoginRequired, UnmetAuthenticationRequirements."""
    refuse: Callable[[Issuer, ClientInteraction, ProtocolError, Session | None], Awaitable[Redirect | FormPost | Page]]
    """The user did not, or may not."""
