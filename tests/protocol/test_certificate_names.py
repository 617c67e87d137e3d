"""Alternative names as clients register them: each in its one spelling, and none that would stand for many."""

from collections.abc import Callable

import pytest

from service.protocol.certificate_names import dns_name, email_name, ip_name, uri_name


@pytest.mark.parametrize(
    ("read", "written", "compared"),
    [
        (dns_name, "API.Bank.example", "api.bank.example"),
        (dns_name, "localhost", "localhost"),
        (dns_name, "xn--bcher-kva.example", "xn--bcher-kva.example"),
        (uri_name, "spiffe://bank.example/Billing", "spiffe://bank.example/Billing"),
        (uri_name, "urn:bank:billing", "urn:bank:billing"),
        (ip_name, "192.0.2.7", "192.0.2.7"),
        (ip_name, "2001:DB8:0:0::0:7", "2001:db8::7"),
        (email_name, "Ops@Bank.Example", "Ops@bank.example"),
    ],
)
def test_a_name_and_how_it_is_compared(read: Callable[[str], str], written: str, compared: str) -> None:
    assert read(written) == compared


NOT: dict[Callable[[str], str], tuple[str, ...]] = {
    dns_name: ("", "*.bank.example", "*", "bank..example", "bank.example.", "-x", "bücher.example", "a b", "x" * 64),
    uri_name: ("", "bank", "//bank.example", "https://bank.example/a b", "https://bank.example/\x00", "https://bücher"),
    ip_name: ("", "192.0.2", "192.0.2.0/24", "fe80::1%eth0", "bank.example"),
    email_name: ("", "ops", "@bank.example", "ops@", "ops@*.example", "a b@bank.example", "ö@bank.example"),
}


@pytest.mark.parametrize(("read", "written"), [(read, text) for read, texts in NOT.items() for text in texts])
def test_no_name(read: Callable[[str], str], written: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(written)
