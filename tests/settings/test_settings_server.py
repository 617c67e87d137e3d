"""The issuer and the addresses to listen on."""

import pytest

from service.settings import SettingsError, load


def test_the_issuer_of_a_trial_is_where_it_listens() -> None:
    assert load(port=9000).issuer == "http://127.0.0.1:9000"
    assert load(port=9000, issuer="https://mint.example").issuer == "https://mint.example"


@pytest.mark.parametrize(
    ("issuer", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:8080", True),
        ("https://127.0.0.1", False),
        ("https://mint.example", False),
    ],
)
def test_http_is_for_this_machine(issuer: str, loopback: bool) -> None:
    """IT-13, WM-23."""
    assert load(issuer=issuer).issuer_is_loopback is loopback


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://10.0.0.1"]
)
def test_other_http_issuers_are_refused(issuer: str) -> None:
    with pytest.raises(SettingsError):
        load(issuer=issuer)
    assert load(issuer=issuer, require_https=False).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        *("https://mint.example", "https://mint.example/", "https://mint.example/a/", "https://Mint.Example:8443/A"),
        *("https://[2001:db8::1]:8443/", "HTTPS://mint.example", "http://[::1]:8080/"),
    ],
)
def test_an_issuer_is_kept_as_it_is_written(issuer: str) -> None:
    """It is a name: clients compare it letter by letter (OpenID Connect Discovery 4.3)."""
    assert load(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        *("https://mint.example?", "https://mint.example/?tenant=a", "https://mint.example/#", "https://:8443"),
        *(
            "https://mint.example//a",
            "https://mint.example/a//",
            "https://mint.example/a/../b",
            "https://mint.example:0",
        ),
        *("https://mint.example:", "https://mint.example:99999", "https://mint.example\\a", "ftp://mint.example"),
    ],
)
def test_an_issuer_that_two_programs_could_read_differently_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="issuer: "):
        load(issuer=issuer)


@pytest.mark.parametrize("name", ["host", "admin_host"])
@pytest.mark.parametrize("host", ["", ",", "0.0.0.0:8080", "http://x", "[::", "a b", "::1,-"])
def test_a_host_that_is_none_is_refused(name: str, host: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: "):
        load(**{name: host})
