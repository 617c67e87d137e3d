"""Who is at the other end: what proxies say is believed only if the settings trust them."""

from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from service.fronts.peer import Peer, peer_of
from service.settings import load
from tests.wire import form_post, send
from tests.world import World


def _peer(
    headers: list[tuple[str, str]],
    trusted: tuple[str, ...] = ("10.0.0.0/8",),
    remote: str | None = "10.0.0.1",
    *,
    tls: bool = False,
) -> Peer:
    """Who it is, from the three things of a request that tell."""
    http: Any = SimpleNamespace(headers=CIMultiDict(headers), remote=remote, scheme="https" if tls else "http")
    return peer_of(http, load(trusted_proxies=trusted))


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        pytest.param([], "10.0.0.1", id="nothing: the proxy itself"),
        pytest.param(["192.0.2.1"], "192.0.2.1", id="one address"),
        pytest.param(["203.0.113.9, 192.0.2.1"], "192.0.2.1", id="what the client said is not believed"),
        pytest.param(["203.0.113.9, 192.0.2.1, 10.0.0.7"], "192.0.2.1", id="through two of our proxies"),
        pytest.param(["203.0.113.9", "192.0.2.1"], "192.0.2.1", id="in two headers"),
        pytest.param(["10.0.0.8, 10.0.0.7"], "10.0.0.8", id="ours only: the first of them"),
        pytest.param(["192.0.2.1:51234"], "192.0.2.1", id="with a port"),
        pytest.param(["[2001:db8::1]:51234"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param(["[2001:db8::1]"], "2001:db8::1", id="IPv6 in brackets"),
        pytest.param(["2001:DB8:0::1"], "2001:db8::1", id="IPv6 in another spelling"),
        pytest.param(["fe80::1%eth0"], "fe80::1", id="IPv6 with a zone"),
        pytest.param(["::ffff:192.0.2.1"], "192.0.2.1", id="IPv4 in IPv6 dress"),
        pytest.param(["::ffff:10.0.0.7"], "10.0.0.7", id="one of ours in IPv6 dress"),
        pytest.param(["203.0.113.9, unknown"], "10.0.0.1", id="a word instead of an address"),
        pytest.param(["203.0.113.9, unknown, 10.0.0.7"], "10.0.0.7", id="a word behind one of ours"),
        pytest.param(["x" * 5000], "10.0.0.1", id="very long"),
        pytest.param(["\udcff\udcfe"], "10.0.0.1", id="bytes that are no text"),
        pytest.param(["fe80::1%\udcff"], "fe80::1", id="bytes that are no text in a zone"),
        pytest.param([" , ,, 192.0.2.1 ,"], "192.0.2.1", id="empty elements"),
    ],
)
def test_the_last_address_that_is_not_ours_is_the_clients(forwarded: list[str], address: str) -> None:
    assert _peer([("X-Forwarded-For", value) for value in forwarded]).address == address


@pytest.mark.parametrize(
    ("proto", "tls", "secure"),
    [
        pytest.param([], False, False, id="nothing over plain HTTP"),
        pytest.param([], True, True, id="nothing over TLS"),
        pytest.param(["https"], False, True, id="https"),
        pytest.param(["HTTPS"], False, True, id="in capitals"),
        pytest.param(["http"], True, False, id="the client's part was plain"),
        pytest.param(["https, http"], False, False, id="what the client said is not believed"),
        pytest.param(["https", "http"], False, False, id="nor in a header of its own"),
        pytest.param(["httpsx"], False, False, id="nearly"),
    ],
)
def test_the_last_protocol_counts(proto: list[str], tls: bool, secure: bool) -> None:
    assert _peer([("X-Forwarded-Proto", value) for value in proto], tls=tls).secure is secure


@pytest.mark.parametrize(
    ("trusted", "remote", "address"),
    [
        pytest.param((), "10.0.0.1", "10.0.0.1", id="no proxy is trusted"),
        pytest.param(("192.168.0.0/16",), "10.0.0.1", "10.0.0.1", id="another network is"),
        pytest.param(("::1/128",), "::1", "192.0.2.1", id="this one, in IPv6"),
        pytest.param(("10.0.0.0/8",), "", "", id="a unix socket"),
        pytest.param(("10.0.0.0/8",), None, "", id="a connection that is gone"),
    ],
)
def test_whom_we_believe(trusted: tuple[str, ...], remote: str | None, address: str) -> None:
    peer = _peer([("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")], trusted, remote)
    assert peer == Peer(address, address == "192.0.2.1")


async def test_bytes_that_are_no_address_break_nothing(world: World) -> None:
    """A failure is counted for whoever it is."""
    await world.client()
    async with world.having(trusted_proxies=("127.0.0.1",)) as proxied:
        for header in (
            b"X-Forwarded-For: \xff\xfe",
            b"X-Forwarded-For: fe80::1%\xff",
            b"X-Forwarded-For: " + b"1," * 500,
        ):
            data = form_post(b"/token", b"grant_type=client_credentials", b"Authorization: Basic YXBwOndyb25n", header)
            assert (await send(proxied.http, data)).error == (401, "invalid_client")


async def test_whoever_is_not_our_proxy_cannot_choose_its_address(world: World) -> None:
    """Otherwise a new address for every guess would never be blocked."""
    await world.client()
    async with world.having(client_failures_allowed=2) as strict:
        statuses = []
        for number in range(4):
            header = b"X-Forwarded-For: 192.0.2.%d" % number
            data = form_post(b"/token", b"grant_type=client_credentials", b"Authorization: Basic YXBwOndyb25n", header)
            statuses.append((await send(strict.http, data)).status)
    assert statuses == [401, 401, 429, 429]
