"""The public HTTP server: addresses, proxies, processes, and limits."""

import re
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from service.protocol.addresses import check_hosts, check_issuer, check_origin
from service.settings.faults import check_each
from service.settings.group import Seconds, SettingsGroup, Unit, checked_by

_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")


def _check_networks(networks: tuple[str, ...]) -> None:
    check_each(networks, lambda network: ip_network(network, strict=False))


def _check_origins(origins: tuple[str, ...]) -> None:
    check_each([origin for origin in origins if origin != "*"], check_origin)


def _check_token_paths(paths: tuple[str, ...]) -> None:
    if not paths or not all(map(_PLAIN_PATH.fullmatch, paths)):
        raise ValueError('must be one or more plain paths such as "/token"')


class ServerSettings(SettingsGroup):
    """Where it listens."""

    host: Annotated[str, checked_by(check_hosts)] = "127.0.0.1"
    """Addresses to listen on, separated by commas. 0.0.0.0 is every IPv4 address, :: both families."""
    port: int = Field(8080, ge=0, le=65535)
    """Port to listen on. 0 takes a free one."""
    issuer: Annotated[str, checked_by(check_issuer)] = Field(
        default_factory=lambda others: f"http://127.0.0.1:{others.get('port') or 8080}"
    )
    """Issuer URL: the name that clients compare (`iss` in tokens), kept as written, a slash at its end included. Every other
    URL is built on it."""
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = 1
    """Number of server processes. auto starts one for each processor that this machine lets us use."""
    require_https: bool = True
    """Refuse requests over plain HTTP, unless the issuer is a loopback http URL or a trusted proxy says https."""
    trusted_proxies: Annotated[tuple[str, ...], checked_by(_check_networks)] = ()
    """Networks (CIDR) of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed."""
    token_paths: Annotated[tuple[str, ...], checked_by(_check_token_paths)] = ("/token",)
    """Paths of the token endpoint. Discovery names the first one."""
    token_require_post: bool = True
    """Refuse GET at the token endpoint. false puts credentials into URLs and logs: leave it on."""
    cors_origins: Annotated[tuple[str, ...], checked_by(_check_origins)] = ("*",)
    """Origins whose pages may call the endpoints that take no cookie (token, userinfo, JWKS and so on)."""
    max_body: Annotated[int, Field(ge=1024), Unit("bytes")] = 65536
    """Longest request body in bytes. Longer ones are answered 413."""
    max_head: Annotated[int, Field(ge=4096, le=131_072), Unit("bytes")] = 16384
    """Longest request target and longest header in bytes. Longer ones are answered 414 and 431: give the proxy the same
    limit."""
    idle_seconds: Annotated[int, Field(ge=1), Unit("seconds")] = 75
    """Keep-alive timeout in seconds: how long a connection may be open without a whole request head. Set it above the proxy's
    upstream keep-alive timeout."""
    drain_seconds: Seconds = 10
    """Seconds that requests under way get to finish after SIGTERM."""
    drain_delay: Annotated[float, Field(ge=0, le=3600), Unit("seconds")] = 0.0
    """Seconds to go on accepting requests after SIGTERM, with readiness off, so that load balancers notice."""

    @cached_property
    def issuer_is_loopback(self) -> bool:
        """Whether the issuer is an http URL on a loopback address, which is for development."""
        parts = urlsplit(self.issuer)
        return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")

    @cached_property
    def issuer_is_https(self) -> bool:
        """Whether the issuer is an https URL, however its scheme is written."""
        return urlsplit(self.issuer).scheme == "https"

    @cached_property
    def issuer_path(self) -> str:
        """The path of the issuer without a final slash, with which every endpoint's path begins."""
        return urlsplit(self.issuer).path.rstrip("/")

    @cached_property
    def path_prefixes(self) -> tuple[str, ...]:
        """The possible prefixes of a request's decoded path: the issuer's path, or none if a proxy removes it."""
        return tuple(dict.fromkeys(("", unquote(self.issuer_path))))

    @cached_property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The parsed networks of ``trusted_proxies``."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)


def https_faults(settings: ServerSettings) -> list[str]:
    """Refuse an issuer with plain HTTP, unless it is on a loopback address."""
    if not settings.require_https or settings.issuer_is_https or settings.issuer_is_loopback:
        return []
    return ["issuer must be https, or loopback http, unless require_https is false"]
