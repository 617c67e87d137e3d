"""What people write into ``host``, and where a program on the same machine finds the service then."""

import pytest

from service.protocol.addresses import check_hosts, check_issuer, listening_hosts, reachable_host

EVERY = ("::", "0.0.0.0")


@pytest.mark.parametrize(
    ("host", "hosts", "reachable"),
    [
        ("127.0.0.1", ("127.0.0.1",), "127.0.0.1"),
        ("0.0.0.0", ("0.0.0.0",), "127.0.0.1"),
        ("::", EVERY, "[::1]"),
        ("[::]", EVERY, "[::1]"),
        ("*", EVERY, "[::1]"),
        ("0.0.0.0,::", ("0.0.0.0", "::"), "127.0.0.1"),
        (" 0.0.0.0 , [::] ", ("0.0.0.0", "::"), "127.0.0.1"),
        ("::,0.0.0.0", EVERY, "[::1]"),
        ("::1", ("::1",), "[::1]"),
        ("10.0.0.5,2001:db8::5", ("10.0.0.5", "2001:db8::5"), "10.0.0.5"),
        ("localhost", ("localhost",), "localhost"),
        (",10.0.0.5, ,", ("10.0.0.5",), "10.0.0.5"),
        ("[::1", ("[::1",), "[[::1]"),
        ("::1]", ("::1]",), "[::1]]"),
    ],
)
def test_hosts_as_people_write_them(host: str, hosts: tuple[str, ...], reachable: str) -> None:
    assert listening_hosts(host) == hosts
    assert reachable_host(host) == reachable


@pytest.mark.parametrize("host", ["a" * 253, "a-b.c_d", "-".join("ab"), "127.0.0.1,localhost"])
def test_a_host_name(host: str) -> None:
    check_hosts(host)


@pytest.mark.parametrize("host", ["", " , ", "a" * 254, "-a", "a-", "a:1", "ä", "127.0.0.1,a b"])
def test_no_host_name(host: str) -> None:
    with pytest.raises(ValueError, match="address"):
        check_hosts(host)


@pytest.mark.parametrize(
    "issuer",
    ["https://mint.example", "http://127.0.0.1:65535/a/b/", "https://[2001:db8::1]:1", "https://mint.example/"],
)
def test_an_issuer(issuer: str) -> None:
    check_issuer(issuer)


@pytest.mark.parametrize(
    ("issuer", "told"),
    [
        ("https://me@mint.example", "without user name"),
        ("https://@mint.example", "without user name"),
        ("https://mint.example/a b", "spaces"),
        ("https://mint.example/\u00ad", "spaces"),
        ("https://mint.example/.", "segments"),
        ("https://mint.example/../a", "segments"),
        ("https://mint.example:65536", "port"),
    ],
)
def test_no_issuer(issuer: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_issuer(issuer)
