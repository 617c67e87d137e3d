"""What is told of a call that failed: what to look for, without addresses and names of Python."""

import errno
import socket
import ssl

import aiohttp
import pytest

from service.outbound.call_failures import reason


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "did not answer in time"),
        (aiohttp.ServerTimeoutError("http://secret"), "did not answer in time"),
        (socket.gaierror(socket.EAI_NONAME, "secret"), "cannot be reached: its name has no address"),
        (OSError(errno.ECONNREFUSED, "secret"), "cannot be reached: connection refused"),
        (OSError("secret"), "cannot be reached: no connection"),
        (aiohttp.ServerDisconnectedError("secret"), "closed the connection without an answer"),
        (aiohttp.ClientPayloadError("secret"), "broke its answer off"),
        (aiohttp.InvalidURL("http://secret"), "cannot be called by this URL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_failure_is_told_by_what_it_is(error: Exception, told: str) -> None:
    assert reason(error) == told


def test_a_failure_of_tls_is_told_as_one() -> None:
    assert reason(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")).startswith(
        "cannot be reached by TLS: "
    )
