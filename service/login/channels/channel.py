"""The interface of every channel to a client."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.issuer import Issuer
from service.login.interaction import ClientInteraction
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import ProtocolError
from service.records.session import Session


class Channel(NamedTuple):
    """The channel by which a client learns what its user decided. Both functions return what the user sees next."""

    name: str
    """Its name in stored interactions."""
    answer: Callable[[Issuer, ClientInteraction, Session], Awaitable[Redirect | FormPost | Page]]
    """Handles a request that the user allowed. Raises AccessDenied, LoginRequired, UnmetAuthenticationRequirements."""
    refuse: Callable[[Issuer, ClientInteraction, ProtocolError, Session | None], Awaitable[Redirect | FormPost | Page]]
    """Handles a request that the user denied, or may not allow."""
