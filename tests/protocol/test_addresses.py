"""What people write into ``host``, and where a program on the same machine finds the service then."""

import pytest

from service.protocol.addresses import listening_hosts, reachable_host

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
    ],
)
def test_hosts_as_people_write_them(host: str, hosts: tuple[str, ...], reachable: str) -> None:
    assert listening_hosts(host) == hosts
    assert reachable_host(host) == reachable
