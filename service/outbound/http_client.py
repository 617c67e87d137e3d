"""Outgoing HTTP: documents of clients, logout tokens, the directory's webhook. Nobody can make us call where they can't.

A client's URL is somebody else's text: only https, only addresses of the public Internet (what was checked is what is
connected to, whatever DNS says a moment later), no redirects, and bounds on time and size.
"""

import asyncio
import re
import socket
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from service.observe.outgoing import UNTRACED, Outgoing
from service.settings import Settings

if TYPE_CHECKING:
    from service.observe.tracing import Tracing

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})")
_CHUNK = 16_384
_CONNECTIONS, CONNECTIONS_EACH = 200, 10
"""Open at the same time, in all and to one host, for each purpose."""
_TRUSTED, _HOOKS = "trusted", "hooks"
"""The purposes of what the operator named, wherever it is."""
_HOOK_CONNECTIONS_EACH = 64
"""To one host: every token request may wait for a hook."""
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses inside IPv6 ones (RFC 6052 section 2.1)."""


class FetchError(Exception):
    """It could not be had: the text says why, for operators; it names the host but no path, query or credential."""


class Fetched(NamedTuple):
    """A document. ``max_age``: seconds for which its server lets us keep it, None where it doesn't say."""

    content: bytes
    max_age: int | None


class Answered(NamedTuple):
    """What a server said. ``retry_after``: seconds, None where it doesn't say."""

    status: int
    content: bytes
    retry_after: int | None = None


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
                raise FetchError(f"{host} is at {result['host']}, which is no public address")
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


class Fetcher:
    """HTTP for the whole process: connections are kept and shared. Made on the first use, on the running loop."""

    def __init__(self, settings: Settings, tracing: "Tracing | None" = None) -> None:
        self._settings = settings
        self._tracing = tracing
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def get(self, url: str, *, accept: str = "application/json", purpose: str = "keys") -> Fetched:
        """A client's document. Each ``purpose`` has connections of its own: what strangers make us fetch must not keep us from
        what clients are authenticated with. Raises FetchError for anything but a 200 of bounded size in time."""
        checked = self._checked(url)
        with self._calling("GET", checked) as call:
            headers = {"Accept": accept, **call.headers}
            async with (
                self._limits(url, self._settings.fetch_timeout),
                self._session(purpose).get(checked, headers=headers, allow_redirects=False) as response,
            ):
                call.answered(response.status)
                if response.status != 200:
                    raise FetchError(f"{_host(url)} answered {response.status}")
                found = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
                return Fetched(await self._content(response), int(found[1]) if found else None)

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int:
        """Send a form to a client; the HTTP status. Raises FetchError."""
        checked = self._checked(url)
        body = urlencode(fields).encode()
        with self._calling("POST", checked) as call:
            headers = {"Content-Type": "application/x-www-form-urlencoded", **call.headers}
            async with self._limits(url, self._settings.fetch_timeout):
                session = self._session("notices")
                async with session.post(checked, data=body, headers=headers, allow_redirects=False) as response:
                    call.answered(response.status)
                    return response.status

    async def post_json(self, url: str, value: Any, *, bearer: str, timeout: float) -> Answered:  # noqa: ASYNC109
        """Send JSON to a server that the operator named, wherever it is. ``timeout``: seconds. Raises FetchError."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        async with self._limits(url, timeout):
            with self._calling("POST", URL(url)) as call:
                headers |= call.headers
                session = self._session(_TRUSTED)
                body = orjson.dumps(value)
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                    call.answered(response.status)
                    wait = response.headers.get("Retry-After", "")
                    content = await self._content(response)
                    return Answered(response.status, content, int(wait[:9]) if wait.isdigit() else None)

    async def post_signed(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        timeout: float,  # noqa: ASYNC109
        most: int,
    ) -> Answered:
        """Send JSON to a hook that the operator named, wherever it is; ``headers``: its signature; ``timeout``: seconds;
        ``most``: bytes of an answer. A redirect is an answer like any other. Raises FetchError.
        """
        sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        async with self._limits(url, timeout):
            session = self._session(_HOOKS, each=_HOOK_CONNECTIONS_EACH)
            async with session.post(url, data=body, headers=sent, allow_redirects=False) as response:
                return Answered(response.status, await self._content(response, most))

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()

    def _checked(self, url: str) -> URL:
        """The URL as it will be called: what is looked at is what the client works with, not what was written (other
        digits and dots become an address there). Raises FetchError for one that we don't call, whoever asks.
        """
        try:
            checked = URL(url)
            host, _ = checked.host or "", checked.port
        except ValueError as error:
            raise FetchError("not a URL") from error
        if not host or checked.user is not None or checked.password is not None:
            raise FetchError("a URL needs a host, and must not have a user name or password")
        if self._settings.fetch_private_addresses:
            if checked.scheme not in ("http", "https"):
                raise FetchError("only http and https URLs are called")
            return checked
        if checked.scheme != "https":
            raise FetchError(f"{host}: only https URLs are called")
        if _is_address(host) and not is_public(host):  # a resolver is not asked about addresses
            raise FetchError(f"{host} is no public address")
        return checked

    def _session(self, purpose: str, each: int = CONNECTIONS_EACH) -> aiohttp.ClientSession:
        session = self._sessions.get(purpose)
        if session is None or session.closed:
            public_only = purpose not in (_TRUSTED, _HOOKS) and not self._settings.fetch_private_addresses
            # Whoever is slow keeps a few connections busy, not all of them.
            connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS,
                limit_per_host=each,
                resolver=_PublicOnly() if public_only else aiohttp.ThreadedResolver(),
                ttl_dns_cache=10,
            )
            session = self._sessions[purpose] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": "mintmark", "Accept-Encoding": "identity"},
                trust_env=False,
            )
        return session

    async def _content(self, response: aiohttp.ClientResponse, most: int = 0) -> bytes:
        most = most or self._settings.fetch_max_bytes
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FetchError("the answer is compressed, though we asked for it plain")
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > most:
                raise FetchError(f"the answer has more than {most} bytes")
        return bytes(content)

    def _calling(self, method: str, url: URL) -> Outgoing:
        """To be entered around a call; its path and query are nobody's business, they may hold secrets."""
        if self._tracing is None:
            return UNTRACED
        return self._tracing.call(method, url.scheme, url.host or "", url.port)

    def _limits(self, url: str, seconds: float) -> "_Limits":
        return _Limits(url, seconds)


class _Limits:
    """A bound on time, and one kind of error for all that can go wrong."""

    def __init__(self, url: str, seconds: float) -> None:
        self._host = _host(url)
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise FetchError(f"{self._host} did not answer within {self._seconds:g} s") from late
        if isinstance(error, aiohttp.ClientError | OSError | ValueError):
            raise FetchError(f"{self._host}: {type(error).__name__}") from error


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
