"""The built-in directory behind the password grant: the person or nothing, and who has to wait."""

import pytest

from service.directory import BlockedError, Person, network_of
from tests.world import World


async def test_a_person_who_proved_who_they_are(world: World) -> None:
    """AU-07, AU-31, AU-32: a directory is asked with username and password, and answers with a subject."""
    await world.user("alice", "wonderland", subject="sub-1")
    verify = world.issuer.directory.verify
    assert await verify("alice", "wonderland", "192.0.2.1") == Person("sub-1", "alice")
    assert await verify("alice", "wrong", "192.0.2.1") is None
    assert await verify("sub-1", "wonderland", "192.0.2.1") is None, "a subject is no username"


async def test_a_person_whom_a_client_names(world: World) -> None:
    """By the name or the subject, as long as they are enabled (CIBA)."""
    await world.user("alice", "wonderland", subject="sub-1")
    directory = world.issuer.directory
    assert await directory.find("alice") == await directory.find_subject("sub-1") == Person("sub-1", "alice")
    assert await directory.find("sub-1") is await directory.find_subject("alice") is await directory.find("") is None
    await world.set_enabled("alice", enabled=False)
    assert await directory.find("alice") is await directory.find_subject("sub-1") is None


async def test_whoever_is_blocked_is_told_for_how_long_and_why(world: World) -> None:
    async with world.having(user_failures_allowed=1, failure_first_delay=30) as strict:
        for _ in range(2):
            await strict.issuer.directory.verify("alice", "wrong", "192.0.2.1")
        with pytest.raises(BlockedError) as blocked:
            await strict.issuer.directory.verify("alice", "wrong", "192.0.2.1")
    assert blocked.value.event == "user_blocked"
    assert 0 < blocked.value.seconds <= 30


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_whose_address_it_is(address: str, network: str) -> None:
    """IPv4 by address, IPv6 by /64; an IPv4 address in IPv6 dress is not the whole of IPv4."""
    assert network_of(address) == network


async def test_an_ipv6_network_is_one_address(world: World) -> None:
    """Whoever has one address of a /64 has them all."""
    async with world.having(address_failures_allowed=2, failure_first_delay=30) as strict:
        verify = strict.issuer.directory.verify
        for number in range(3):
            await verify(f"ghost-{number}", "wrong", f"2001:db8::{number}")
        with pytest.raises(BlockedError) as blocked:
            await verify("ghost", "wrong", "2001:db8::99")
        assert blocked.value.event == "address_blocked"
        assert await verify("ghost", "wrong", "2001:db8:0:1::1") is None
