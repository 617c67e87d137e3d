"""Free loopback ports for servers of tests, which no other test process takes meanwhile."""

from __future__ import annotations

import fcntl
import functools
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
PORTS = range(10_000, 22_000)  # a node's bus port is 10,000 higher, and both stay below what Linux gives to clients
BUS_OFFSET = 10_000


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free together with their bus ports, and reserve them until this process ends."""
    candidates = random.sample(PORTS, len(PORTS))
    free = (p for p in candidates if _claim(p) and _is_free(p) and _is_free(p + BUS_OFFSET))
    return [next(free) for _ in range(count)]


def _claim(port: int) -> bool:
    # Other test processes pick ports too, maybe between our look at a port and the server's start, or while the server
    # that had it is dead for a test. A lock on the port's byte of a shared file ends with the process.
    if port in _claimed:
        return False
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _claimed.add(port)
    return True


_claimed: set[int] = set()


@functools.cache
def _claims() -> IO[bytes]:
    return (Path(tempfile.gettempdir()) / f"mintmark-test-ports-{os.getuid()}").open("ab")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
