"""none: a public client that only says who it is (RFC 6749 section 2.1, WM-06); PKCE and rotation protect it."""

from service.client_auth.method import HOLDS, Presented, Proof
from service.issuer import Issuer
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.records.client import Client

NAME = ClientAuthMethod.NONE
_PROOFS = frozenset({"client_secret", "client_assertion"})


def present(request: Request) -> Presented | None:
    """A client_id without any proof beside it."""
    if request.authorization is not None or not _PROOFS.isdisjoint(request.parameters):
        return None
    client_id = request.parameters.get("client_id")
    return None if client_id is None else Presented(client_id)


async def verify(issuer: Issuer, client: Client, presented: Presented) -> Proof | None:
    """Nothing to prove."""
    return HOLDS
