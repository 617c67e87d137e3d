"""wrk, the load generator.

It is compiled, as one in Python would need more CPU than the measured server, every distribution packages it, and Lua
scripts give each request its own credential and check each response.
"""

import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

SCRIPT = Path(__file__).with_name("wrk.lua")
LONGEST = 60
"""Seconds after which a run ends although responses are missing."""
FORM = "application/x-www-form-urlencoded"


class GeneratorMissingError(RuntimeError):
    """wrk is not installed on this machine."""


class GeneratorFailedError(RuntimeError):
    """wrk did not run to its end."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Requests and their expected responses.

    Args:
        path: Of all requests.
        forms: Bodies, posted in this order and again from the start after the last; none: requests are GET.
        once: Each form may be sent once only, so there must be enough of them.
        status: The expected status of every response.
        patterns: Lua patterns that every response must match.
        headers: Of all requests.
        own_headers: Further headers of each form.
    """

    path: str
    forms: Sequence[dict[str, str]] = ()
    once: bool = False
    status: int = 200
    patterns: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    own_headers: Sequence[dict[str, str]] = ()

    def part(self, number: int, size: int) -> "Orders":
        """Return the ``number``-th part of ``size`` forms, or all forms if they may be sent again."""
        if not self.once:
            return self
        taken = slice(number * size, (number + 1) * size)
        return replace(self, forms=self.forms[taken], own_headers=self.own_headers[taken])


class Driven(NamedTuple):
    """The results of wrk.

    Args:
        requests: The number of requests.
        seconds: The length of the run.
        p50: Milliseconds.
        p99: Milliseconds.
        wrong: The number of wrong or missing responses.
        example: One of them.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    wrong: int
    example: str


def spare_for(connections: int) -> int:
    """Return how many spare forms are needed where each is sent once, as every connection has one under way at the end."""
    return connections + 2


def literally(text: str) -> str:
    """Return a Lua pattern that matches exactly this text."""
    return re.sub(r"([^A-Za-z0-9])", r"%\1", text)


def find_wrk() -> str:
    """Return the path of wrk. Raises GeneratorMissingError, which says what to install."""
    found = shutil.which("wrk")
    if found is None:
        raise GeneratorMissingError("wrk is not installed: apt-get install wrk, brew install wrk, dnf install wrk")
    return found


def require_wrk() -> None:
    """Exit with a hint what to install where wrk is missing."""
    try:
        find_wrk()
    except GeneratorMissingError as error:
        sys.exit(str(error))


async def drive(url: str, orders: Orders, connections: int, requests: int) -> Driven:
    """Send requests until enough responses have come, one at a time on each connection.

    Args:
        url: Of the server.
        orders: The requests.
        connections: The number of connections.
        requests: The number of responses.

    Raises:
        GeneratorMissingError: wrk is not installed.
        GeneratorFailedError: wrk failed.
        ValueError: There are too few forms that may be sent once only.
    """
    if orders.once and len(orders.forms) < requests + spare_for(connections):
        raise ValueError(f"{len(orders.forms)} credentials are too few for {requests} requests")
    with tempfile.NamedTemporaryFile(prefix="mintmark-requests-") as file:
        file.write(b"".join(raw + b"\0" for raw in raw_requests(url, orders)))
        file.flush()
        arguments = [file.name, str(requests), str(orders.status), *orders.patterns]
        result = json.loads(await _run_wrk(url, connections, arguments))
    missing = max(requests - result["requests"], 0)
    wrong = result["wrong"] + result["failed"] + missing
    example = result["example"] or (f"{missing} answers missing, {result['failed']} failed" if wrong else "")
    return Driven(result["requests"], result["seconds"], result["p50"], result["p99"], wrong, example)


def raw_requests(url: str, orders: Orders) -> list[bytes]:
    """Return the bytes of each request."""
    head = _lines({"Host": url.partition("://")[2], **orders.headers})
    if not orders.forms:
        return [f"GET {orders.path} HTTP/1.1\r\n{head}\r\n".encode()]
    head = f"POST {orders.path} HTTP/1.1\r\n{head}Content-Type: {FORM}\r\n"
    bodies = map(urlencode, orders.forms)
    own = map(_lines, orders.own_headers or [{}] * len(orders.forms))
    return [
        f"{head}{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        for lines, body in zip(own, bodies, strict=True)
    ]


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


async def _run_wrk(url: str, connections: int, arguments: list[str]) -> str:
    """Run wrk, and return the last line of its output. Raises GeneratorFailedError."""
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{LONGEST}s", "--timeout", "10s"]
    options += ["--latency", "--script", str(SCRIPT)]
    process = await asyncio.create_subprocess_exec(
        find_wrk(),
        *options,
        url,
        "--",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out = (await process.communicate())[0].decode(errors="replace")
    except BaseException:
        process.kill()
        await process.wait()
        raise
    last = out.rstrip().rpartition("\n")[2]
    if process.returncode != 0 or not last.startswith("{"):
        raise GeneratorFailedError(f"wrk ended with status {process.returncode}:\n{out[-2000:]}")
    return last
