"""What every method of client authentication offers."""

from typing import NamedTuple, Protocol

from service.issuer import Issuer
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.records.client import Client


class Presented(NamedTuple):
    """What a request shows by one method: whose it says it is, and the proofs to try (one of them must hold)."""

    client_id: str
    secrets: tuple[str, ...] = ()


class Method(Protocol):
    """One method, as a module."""

    NAME: ClientAuthMethod

    def present(self, request: Request) -> Presented | None:
        """What the request shows by this method, None if nothing. Raises InvalidClient, InvalidRequest if malformed."""

    async def verify(self, issuer: Issuer, client: Client, presented: Presented) -> bool:
        """Whether the proof holds for the client."""
