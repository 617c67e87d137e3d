"""Names of Services for pods, as a cluster's DNS answers them: ``tokens-mintmark.identity.svc.cluster.local``."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingUDPServer

from tests.cluster.api_server import Cluster

DOMAIN = "cluster.local"
_HEADER = struct.Struct("!6H")
_ANSWERED, _NO_SUCH_NAME = 0x8580, 0x8583
_A, _SECONDS = 1, 1


class _Names(ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, cluster: Cluster, address: str) -> None:
        super().__init__((address, 53), _Query)
        self.cluster = cluster


class _Query(BaseRequestHandler):
    def handle(self) -> None:
        question, listening = self.request
        assert isinstance(self.server, _Names)
        with suppress(OSError):  # the pod that wants to know may be gone, and its route
            listening.sendto(_answer(self.server.cluster, question), self.client_address)


@contextmanager
def names(cluster: Cluster, address: str) -> Iterator[None]:
    """A name server at port 53 of an address, until the block ends."""
    with _Names(cluster, address) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


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
    try:
        found = json.loads(cluster.read(f"/api/v1/namespaces/{labels[1]}/services/{labels[0]}"))
    except OSError:
        return None
    return str(found["spec"]["clusterIP"])
