"""URLs as client_id (draft-ietf-oauth-client-id-metadata-document section 3)."""

import pytest

from service.protocol.client_id_urls import check_url, host_of, is_among, is_of_origin, without_port


@pytest.mark.parametrize(
    "url", ["https://a.example/c", "https://a.example:8443/c/d.json?x=1", "https://xn--a.example/c/"]
)
def test_urls_that_are_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://a.example/c",
            "HTTPS://a.example/c",
            "https://a.example",
            "https://a.example/",
            "https://a.example?c",
        ),
        *("https://a.example/c#f", "https://u:p@a.example/c", "https://a.example/./c", "https://a.example/c/%2E%2E"),
        *("https://ä.example/c", "https://a.example/c d", "https://a.example\\c/d", "https://[::1/c", "https:///c"),
        *("https://a.example:0/c", "https://a.example:99999/c", "a.example/c", "", "https://a.example/\x00"),
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_url(url)


def test_hosts() -> None:
    assert host_of("https://A.Example/c") == host_of("https://a.example:443/c") == "a.example"
    assert host_of("https://A.Example:8443/c") == "a.example:8443"
    assert without_port("a.example:8443") == without_port("a.example") == "a.example"
    assert not is_among("a.example:8443", ("a.example", "*.example", "a.example:844"))
    assert is_among("a.example:8443", ("a.example:8443",))
    assert is_among("a.example:8443", ("*.example:8443",))
    assert is_among("a.example", ("b.example", "a.example"))
    assert is_among("x.a.example", ("*.a.example",))
    for host in ("a.example", "xa.example", "x.a.example.org"):
        assert not is_among(host, ("*.a.example",))


@pytest.mark.parametrize(
    ("uri", "is_own"),
    [
        ("https://a.example/cb", True),
        ("https://A.EXAMPLE/cb", True),
        ("https://a.example:444/cb", False),
        ("http://a.example/cb", False),
        ("https://b.example/cb", False),
        ("com.example.app:/cb", False),
        ("https://[/cb", False),
    ],
)
def test_redirect_uris_of_the_same_origin(uri: str, is_own: bool) -> None:
    assert is_of_origin(uri, "https://a.example/client.json") is is_own
