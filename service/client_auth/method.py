"""What every method of client authentication offers."""

from typing import NamedTuple, Protocol

from service.issuer import Issuer
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import ReplayCheck
from service.tokens.assertions import Told


class Presented(NamedTuple):
    """What a request shows by one method: whose it says it is, and the proofs to try (one of them must hold), or the
    assertion; and where it was sent. ``other_names``: further spellings of client_id, where the first is no client's.
    """

    client_id: str
    secrets: tuple[str, ...] = ()
    assertion: Told | None = None
    request: Request | None = None
    other_names: tuple[str, ...] = ()


class Proof(NamedTuple):
    """The evidence holds, if what counts once only is used for the first time."""

    replay_checks: tuple[ReplayCheck, ...] = ()


HOLDS = Proof()
"""Nothing more is to be known."""


class Method(Protocol):
    """One method, as a module."""

    NAME: ClientAuthMethod

    def present(self, request: Request) -> Presented | None:
        """What the request shows by this method, None if nothing. Raises InvalidClient, InvalidRequest if malformed."""

    async def verify(self, issuer: Issuer, client: Client, presented: Presented) -> Proof | None:
        """The proof, None where it does not hold. Raises InvalidClient where there is more to say than that."""
