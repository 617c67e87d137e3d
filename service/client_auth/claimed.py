"""The client that a refused request claims to come from, for logs."""

import re
from contextlib import suppress
from urllib.parse import unquote_plus

from service.client_auth.evidence import READERS
from service.issuer import Issuer
from service.observe.current import current_client, note_client
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.request import Request

_LONGEST = 255
_MOST = 4
"""The most names that are looked up."""
_NAMED = re.compile(rb"(?:^|&)client_id=([^&]{1,800})")


async def note_claimed_client(issuer: Issuer, request: Request, error: ProtocolError | None = None) -> None:
    """Name the client in what is logged about this request, if there is such a client and none is named yet.

    Only for requests that are refused. A name that this process does not remember costs a round trip, unless ``error`` says
    that Redis is away.
    """
    if current_client():
        return
    clients, may_read = issuer.store.clients, not isinstance(error, TemporarilyUnavailable)
    with suppress(TemporarilyUnavailable):
        for name in _names(request)[:_MOST]:
            client = clients.cached(name) or (await clients.get(name) if may_read else None)
            if client is not None:
                note_client(client.client_id)
                return


def unread_request(form: bytes, authorization: str | None) -> Request:
    """A request that was refused before its form could be read: all that is known is whose it claims to be."""
    found = _NAMED.search(form)
    named = {"client_id": unquote_plus(found[1].decode("ascii", "replace"))} if found else {}
    return Request(named, authorization, "")


def _names(request: Request) -> tuple[str, ...]:
    names = dict.fromkeys([request.parameters.get("client_id", "")])
    for read in READERS:
        with suppress(ProtocolError):
            evidence = read(request)
            names |= dict.fromkeys((evidence.client_id, *evidence.other_names) if evidence is not None else ())
    return tuple(name for name in names if 0 < len(name) <= _LONGEST)
