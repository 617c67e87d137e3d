"""Which network an address counts for, where failures and places are counted."""

import pytest

from service.protocol.networks import network_of, wide_network_of


@pytest.mark.parametrize(
    ("address", "network", "wide"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),  # one IPv4 address, not all of them
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("::1", "::/64", "::/48"),
        ("", "", ""),
        ("a socket of this machine", "a socket of this machine", "a socket of this machine"),
    ],
)
def test_the_networks_of_an_address(address: str, network: str, wide: str) -> None:
    assert network_of(address) == network
    assert wide_network_of(address) == wide
