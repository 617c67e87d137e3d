"""Whose request it claims to be, for logs: where it was refused before a client was authenticated."""

import re
from contextlib import suppress
from urllib.parse import unquote_plus

from service.client_auth.method import Method
from service.issuer import Issuer
from service.observe.current import current_client, note_client
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.request import Request

_LONGEST = 255
_MOST = 4
"""How many names are looked at."""
_NAMED = re.compile(rb"(?:^|&)client_id=([^&]{1,800})")


async def note_claimed_client(issuer: Issuer, methods: tuple[Method, ...], request: Request, *, asking: bool) -> None:
    """Name the client in what is logged about this request, if there is such a client and none is named yet.

    Only for requests that are refused. ``asking``: let a name that this process does not remember cost a round trip.
    """
    if current_client():
        return
    clients = issuer.store.clients
    with suppress(TemporarilyUnavailable):
        for name in _names(methods, request)[:_MOST]:
            client = clients.cached(name) or (await clients.get(name) if asking else None)
            if client is not None:
                note_client(client.client_id)
                return


def unread_request(form: bytes, authorization: str | None) -> Request:
    """A request that was refused before its form could be read: no more of it than whose it claims to be."""
    found = _NAMED.search(form)
    named = {"client_id": unquote_plus(found[1].decode("ascii", "replace"))} if found else {}
    return Request(named, authorization, "")


def _names(methods: tuple[Method, ...], request: Request) -> tuple[str, ...]:
    names = dict.fromkeys([request.parameters.get("client_id", "")])
    for method in methods:
        with suppress(ProtocolError):
            presented = method.present(request)
            names |= dict.fromkeys((presented.client_id, *presented.other_names) if presented is not None else ())
    return tuple(name for name in names if 0 < len(name) <= _LONGEST)
