"""Sockets for the addresses of one setting, all with the same port."""

import errno
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

_TRIES = 20
"""Attempts to find a port that is free at every address."""


@contextmanager
def bound(hosts: Iterable[str], port: int, *, share: bool) -> Iterator[list[socket.socket]]:
    """Return a bound socket for each address of the hosts, none listening yet; close them at the end.

    Args:
        hosts: Addresses or names; a name may have several addresses.
        port: The port; 0: any port that is free at all of them.
        share: Whether other processes bind the same port (SO_REUSEPORT).

    Raises:
        OSError: An address is not of this machine, or its port is taken.
    """
    with ExitStack() as stack:
        yield _bind(stack, list(hosts), port, share=share)


def _bind(stack: ExitStack, hosts: list[str], port: int, *, share: bool) -> list[socket.socket]:
    for tried in range(_TRIES):
        with ExitStack() as attempt:
            try:
                sockets = _bind_once(attempt, hosts, port, share=share)
            except OSError as error:
                if port or error.errno != errno.EADDRINUSE or tried == _TRIES - 1:
                    raise
                continue
            stack.push(attempt.pop_all())
            return sockets
    raise AssertionError  # the last attempt returned or raised


def _bind_once(attempt: ExitStack, hosts: list[str], port: int, *, share: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    for family, address in _addresses(hosts):
        made = attempt.enter_context(socket.socket(family, socket.SOCK_STREAM))
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
        made.bind((address, port))
        port = port or int(made.getsockname()[1])
        sockets.append(made)
    return sockets


def _addresses(hosts: list[str]) -> list[tuple[int, str]]:
    """Return every address once, in the order of the hosts."""
    found = (
        (int(family), str(address[0]))
        for host in hosts
        for family, _, _, _, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    )
    return list(dict.fromkeys(found))
