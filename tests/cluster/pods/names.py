"""Names of Services for pods, as a cluster's DNS answers them: ``tokens-mintmark.identity.svc.cluster.local``."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.api_server import Cluster

DOMAIN = "cluster.local"
_HEADER = struct.Struct("!6H")
_ANSWERED, _NO_SUCH_NAME = 0x8580, 0x8583
_A, _SECONDS = 1, 1


@contextmanager
def names(cluster: Cluster, address: str) -> Iterator[None]:
    """A name server at port 53 of an address, until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((address, 53))
        threading.Thread(target=_serve, args=(cluster, listening), daemon=True).start()
        yield


def _serve(cluster: Cluster, listening: socket.socket) -> None:
    while True:
        try:
            question, asker = listening.recvfrom(512)
        except OSError:
            return  # closed: the block has ended
        listening.sendto(_answer(cluster, question), asker)


def _answer(cluster: Cluster, question: bytes) -> bytes:
    """RFC 1035, section 4.1: header, the question again, and one address or none."""
    number, *_ = _HEADER.unpack_from(question)
    labels, at = [], _HEADER.size
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    asked = question[_HEADER.size : at + 5]
    (kind,) = struct.unpack_from("!H", question, at + 1)
    address = _address(cluster, labels)
    if address is None:
        return _HEADER.pack(number, _NO_SUCH_NAME, 1, 0, 0, 0) + asked
    if kind != _A:
        return _HEADER.pack(number, _ANSWERED, 1, 0, 0, 0) + asked
    record = struct.pack("!HHHIH", 0xC00C, _A, 1, _SECONDS, 4) + socket.inet_aton(address)
    return _HEADER.pack(number, _ANSWERED, 1, 1, 0, 0) + asked + record


def _address(cluster: Cluster, labels: list[str]) -> str | None:
    """The address of a Service in the cluster."""
    if len(labels) != 5 or labels[2:] != ["svc", *DOMAIN.split(".")]:
        return None
    done = cluster.run("get", "service", labels[0], "-n", labels[1], "--output", "jsonpath={.spec.clusterIP}")
    return done.stdout if done.returncode == 0 else None
