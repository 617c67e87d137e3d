"""What every grant type offers."""

from typing import Any, Protocol

from service.issuer import Issuer
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.authorization import Authorization


class GrantType(Protocol):
    """One grant type, as a module. ``Params`` parses once; the handler trusts it."""

    NAME: GrantTypeName
    ACTS: bool
    """Whether ``authorize`` does what cannot be taken back (count a failure, use an assertion): then the client must be
    certain before, where elsewhere the last bit of certainty may arrive with what ``authorize`` reads.
    """

    def parse(self, request: Request) -> Any:
        """The parameters of this grant type, typed. Raises InvalidRequest for what is missing."""

    async def authorize(self, issuer: Issuer, client: Client, params: Any) -> Authorization:
        """Who allowed which client what. Raises the errors of RFC 6749 5.2."""
