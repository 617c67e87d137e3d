"""HTTP as bytes on a socket, for requests that no HTTP library would send."""

import asyncio
import re
from typing import Any, NamedTuple

import orjson
from aiohttp.test_utils import TestClient

from tests.patience import PATIENCE
from tests.world import FORM


class Answer(NamedTuple):
    """A response, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """Return status and error code of a refusal."""
        return self.status, self.json["error"]


def form_post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    """Return the bytes of a POST with a form and these header lines."""
    lines = (b"Content-Type: " + FORM.encode(), b"Content-Length: %d" % len(body), *headers)
    return request(b"POST", path, *lines) + body


def request(method: bytes, path: bytes, *headers: bytes) -> bytes:
    """Return the bytes of a request head."""
    return b"\r\n".join(
        (method + b" " + path + b" HTTP/1.1", b"Host: mint.example", b"Connection: close", *headers, b"", b"")
    )


async def send(http: TestClient[Any, Any], data: bytes) -> Answer:
    """Send bytes to the service on a connection of their own, and return the response."""
    reader, writer = await asyncio.open_connection(http.host, http.port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").rstrip().split("\r\n")
            headers = dict(_header(line) for line in lines)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(status.split(" ")[1]), headers, body)
    finally:
        writer.close()


async def exchange(port: int, data: bytes) -> Answer:
    """Send bytes to a port of this machine, and return everything until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status, *lines = head.decode("latin-1").split("\r\n")
    return Answer(int(status.split(" ")[1]), dict(_header(line) for line in lines), body)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name.lower(), value


# what every answer of an OAuth endpoint is

REGISTERED_ERRORS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {"invalid_scope", "invalid_target"}
)
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")
_STATUSES = {"invalid_client": (401, 429), "invalid_grant": (400, 429), "invalid_request": (400, 404, 405, 413, 415)}


def check_shape(answer: Answer) -> None:
    """Check that a response is a success or a registered error, complete and readable (RFC 6749 sections 5.1 and 5.2)."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    if answer.status == 200:
        return
    body = answer.json
    assert set(body) <= {"error", "error_description"}
    assert body["error"] in REGISTERED_ERRORS
    assert answer.status in _STATUSES.get(body["error"], (400,)), body
    assert _DESCRIPTION.fullmatch(body.get("error_description", ""))
    if "www-authenticate" in answer.headers:  # for who used the Authorization header (RFC 6749 section 5.2)
        assert answer.status == 401
    assert ("retry-after" in answer.headers) == (answer.status == 429)
    assert ("allow" in answer.headers) == (answer.status == 405)
