"""Outgoing HTTP: documents of clients, logout tokens, hooks and the directory's webhook, each with the same bounds.

A client's URL is text from outside: only https, only addresses of the public Internet (what was checked is what is
connected to, whatever DNS says a moment later). Every call has bounds on time and size, follows no redirect and is traced.
"""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import Enum, auto
from ipaddress import IPv6Address, ip_address, ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from service.observe.outgoing import UNTRACED, Outgoing
from service.outbound.call_failures import reason
from service.outbound.system_authorities import read_authorities
from service.protocol.addresses import address_of
from service.protocol.whole_numbers import whole_number
from service.settings import Settings

if TYPE_CHECKING:
    from service.observe.tracing import Tracing

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})")
_CHUNK = 16_384
_CONNECTIONS, CONNECTIONS_EACH = 200, 10
"""The most connections that are open at the same time, in all and to one host, for each purpose."""
_UNDER_WAY_EACH = 10
"""The most calls at the same time on behalf of one network of unknown callers, for each purpose."""
JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses inside IPv6 ones (RFC 6052 section 2.1)."""


class Purpose(Enum):
    """The purpose of a call.

    Each has connections of its own: documents that clients make us fetch must not hold up the authentication of clients.
    """

    CLIENT_KEYS = auto()
    REQUEST_OBJECT = auto()
    REGISTRATION = auto()
    CLIENT_DOCUMENT = auto()
    LOGOUT = auto()
    BACKCHANNEL = auto()
    DIRECTORY = auto()
    HOOK = auto()

    @property
    def is_named_by_operator(self) -> bool:
        """Whether the URL is from our settings, and may therefore lead anywhere."""
        return self in (Purpose.DIRECTORY, Purpose.HOOK)

    @property
    def connections_each(self) -> int:
        """Return how many connections to one host may be open: every token request may wait for a hook."""
        return 64 if self is Purpose.HOOK else CONNECTIONS_EACH


class HttpClientError(Exception):
    """A call that failed: the text says why, for operators; it names the server but no path, query or credential."""


class HttpClientBusyError(HttpClientError):
    """No connection became free in time, or the network has too many calls under way: it says nothing about the server."""


class _Waiting:
    """Whether a call waits for a free connection."""

    is_queued = False


class HttpResponse(NamedTuple):
    """The answer of a server."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def max_age(self) -> int | None:
        """Return the seconds for which it may be cached (RFC 9111), None where its server does not say."""
        found = _MAX_AGE.search(self.headers.get("Cache-Control", ""))
        return int(found[1]) if found else None

    @property
    def retry_after(self) -> int | None:
        """Return the seconds to wait (RFC 9110 section 10.2.3), None where its server does not say."""
        return whole_number(self.headers.get("Retry-After", ""))


class _PublicOnly(AbstractResolver):
    """Resolves names to addresses of the public Internet, and refuses if any is not (DNS rebinding)."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            if not is_public(result["host"]):
                raise HttpClientError(f"{host} is at {result['host']}, which is no public address")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Whether this IP address is of the public Internet, also where it is wrapped into an IPv6 one."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inside = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inside is not None:
            return is_public(str(inside))
        if parsed in _NAT64:
            return is_public(str(ip_address(int(parsed) & 0xFFFFFFFF)))
        if parsed.is_site_local:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


class HttpClient:
    """HTTP for the whole process: connections are kept and shared. Made on the first use, on the running loop."""

    def __init__(self, settings: Settings, tracing: "Tracing | None" = None) -> None:
        self._settings = settings
        self._tracing = tracing
        self._sessions: dict[tuple[Purpose, bool], aiohttp.ClientSession] = {}
        self._under_way: Counter[tuple[Purpose, str]] = Counter()

    async def get(
        self, url: str, purpose: Purpose = Purpose.CLIENT_KEYS, *, accept: str = "application/json", network: str = ""
    ) -> HttpResponse:
        """Get a document. ``network`` is that of ``request``.

        Raises:
            HttpClientError: As for ``request``, and where the status is not 200.
        """
        headers = {"Accept": accept}
        return await self.request("GET", url, purpose, headers=headers, expected_status=200, network=network)

    async def request(
        self,
        method: str,
        url: str,
        purpose: Purpose,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float = 0.0,  # noqa: ASYNC109
        max_bytes: int | None = 0,
        expected_status: int = 0,
        network: str = "",
    ) -> HttpResponse:
        """Call a server once, in a span of its own. A redirect is an answer like any other.

        Args:
            method: GET or POST.
            url: Checked before it is called, unless the operator named it.
            purpose: Whose connections are used.
            headers: Sent along, besides ``traceparent``.
            body: Sent as it is.
            timeout: Seconds for everything; 0 = ``fetch_timeout``.
            max_bytes: The longest accepted content; 0 = ``fetch_max_bytes``, None = the content is not read.
            expected_status: The only accepted status, checked before anything is read; 0 = any.
            network: The network of the unknown caller who named the URL, "" = an operator did (``_share``).

        Raises:
            HttpClientBusyError: All connections of the purpose were busy meanwhile, or too many calls of the network.
            HttpClientError: The URL must not be called, or there was no such answer in time.
        """
        waiting, seconds = _Waiting(), timeout or self._settings.fetch_timeout
        async with self._share(purpose, network), _limits(_server(url), seconds, waiting):
            target = URL(url) if purpose.is_named_by_operator else self._checked(url)
            if target.scheme == "https":
                await read_authorities()
            with self._span(method, target) as span:
                sending = self._session(purpose, for_unknown=bool(network)).request(
                    method,
                    target,
                    data=body,
                    headers={**headers, **span.headers},
                    allow_redirects=False,
                    trace_request_ctx=waiting,
                )
                async with sending as response:
                    span.answered(response.status)
                    if expected_status and response.status != expected_status:
                        raise HttpClientError(f"{_server(url)} answered {response.status}")
                    content = b"" if max_bytes is None else await self._content(response, max_bytes)
                    return HttpResponse(response.status, content, response.headers)

    def has_room(self, purpose: Purpose, network: str) -> bool:
        """Whether a call on behalf of this network may begin now."""
        return not network or self._under_way[purpose, network] < _UNDER_WAY_EACH

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()

    def _checked(self, url: str) -> URL:
        """Parse and check a URL as aiohttp will call it, where other digits and dots become an address.

        Raises:
            HttpClientError: It is none that we call.
        """
        try:
            checked = URL(url)
            host, _ = checked.host or "", checked.port
        except ValueError as error:
            raise HttpClientError("not a URL") from error
        if not host or checked.user is not None or checked.password is not None:
            raise HttpClientError("a URL needs a host, and must not have a user name or password")
        if self._settings.fetch_private_addresses:
            if checked.scheme not in ("http", "https"):
                raise HttpClientError("only http and https URLs are called")
            return checked
        if checked.scheme != "https":
            raise HttpClientError(f"{host}: only https URLs are called")
        # A resolver is not asked about addresses.
        if address_of(host.partition("%")[0]) is not None and not is_public(host):
            raise HttpClientError(f"{host} is no public address")
        return checked

    @asynccontextmanager
    async def _share(self, purpose: Purpose, network: str) -> AsyncIterator[None]:
        """Count a call for a network of unknown callers, which have connections of their own (``_session``).

        Raises HttpClientBusyError where too many of the network are under way: slow hosts must keep few connections busy.
        """
        if not network:
            yield
            return
        share = purpose, network
        if not self.has_room(*share):
            raise HttpClientBusyError("too many calls are under way for this network; try again")
        self._under_way[share] += 1
        try:
            yield
        finally:
            self._under_way[share] -= 1
            self._under_way += Counter()  # removes networks whose count is 0

    def _session(self, purpose: Purpose, *, for_unknown: bool) -> aiohttp.ClientSession:
        session = self._sessions.get((purpose, for_unknown))
        if session is None or session.closed:
            public_only = not purpose.is_named_by_operator and not self._settings.fetch_private_addresses
            # A slow server keeps a few connections busy, not all of them.
            connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS,
                limit_per_host=purpose.connections_each,
                resolver=_PublicOnly() if public_only else aiohttp.ThreadedResolver(),
                ttl_dns_cache=10,
            )
            session = self._sessions[purpose, for_unknown] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trace_configs=[_noting_queues()],
                headers={"User-Agent": "mintmark", "Accept-Encoding": "identity"},
                trust_env=False,
            )
        return session

    async def _content(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        most = max_bytes or self._settings.fetch_max_bytes
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise HttpClientError("the answer is compressed, though we asked for it plain")
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > most:
                raise HttpClientError(f"the answer has more than {most} bytes")
        return bytes(content)

    def _span(self, method: str, url: URL) -> Outgoing:
        """Make the span of a call. Path and query stay out of it: they may hold secrets."""
        if self._tracing is None:
            return UNTRACED
        return self._tracing.call(method, url.scheme, url.host or "", url.port)


@asynccontextmanager
async def _limits(server: str, seconds: float, waiting: _Waiting) -> AsyncIterator[None]:
    """Bound the time, and turn every failure into one kind of error."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        if waiting.is_queued:
            raise HttpClientBusyError(f"no connection to {server} was free within {seconds:g} s") from error
        raise HttpClientError(f"{server} did not answer within {seconds:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HttpClientError(f"{server} {reason(error)}") from error


def _noting_queues() -> aiohttp.TraceConfig:
    """Let each call note whether it waits for a free connection."""

    async def starts(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.is_queued = True

    async def ends(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.is_queued = False

    noting = aiohttp.TraceConfig()
    noting.on_connection_queued_start.append(starts)
    noting.on_connection_queued_end.append(ends)
    return noting


def _server(url: str) -> str:
    """Return scheme, host and port of a URL; what stands before @ may be a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "?"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "?"
