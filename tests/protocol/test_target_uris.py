"""Which URIs are the same target, and which are none (RFC 3986 section 6.2, RFC 9449 section 4.3)."""

import pytest

from service.protocol.target_uris import is_same_target, normalized, with_lower_host

URL = "https://server.example.com/token"


@pytest.mark.parametrize(
    "uri",
    [
        URL,
        "HTTPS://server.example.com/token",
        "https://SERVER.Example.com/token",
        "https://server.example.com:443/token",
        "https://server.example.com:/token",
        "https://server.example.com:0443/token",
        "https://server.example.com/%74oken",
        "https://server.example.com/t%6fken",
        "https://%73erver.example.com/token",
        "https://server.example.com/./token",
        "https://server.example.com/other/../token",
        "https://server.example.com/token?a=b",
        "https://server.example.com/token?",
        "https://server.example.com/token#f?g",
    ],
)
def test_spellings_of_the_same_target(uri: str) -> None:
    assert is_same_target(uri, URL)
    assert normalized(uri) == URL


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/token",
        "server.example.com/token",
        "http://server.example.com/token",
        "https://server.example.com:8443/token",
        "https://server.example.com:80/token",
        "https://server.example.com/token/",
        "https://server.example.com/Token",
        "https://server.example.com/token%2F",
        "https://server.example.com//token",
        "https://server.example.com/other/token",
        "https://server.example.com./token",
        "https://server.example.com.evil.example/token",
        "https://user@server.example.com/token",
        "https://server.example.com@evil.example/token",
        "https://server.example.com /token",
        "https://server.example.com/token ",
        "https://server.example.com/to\tken",
        "https://server.example.com\\/token",
        "https://server.example.com:999999/token",
        "https://ſerver.example.com/token",
        "ftp://server.example.com/token",
        "https:///token",
    ],
)
def test_other_targets(uri: str) -> None:
    assert not is_same_target(uri, URL)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]/"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("https://h/a%2fb%C3%a4", "https://h/a%2Fb%C3%A4"),
        ("https://h/a%zz", "https://h/a%zz"),
        ("https://h/a/b/..", "https://h/a/"),
        ("https://h/../../a", "https://h/a"),
        ("https://h/.well-known/x", "https://h/.well-known/x"),
        ("https://h/a.b/..c", "https://h/a.b/..c"),
    ],
)
def test_the_one_spelling(uri: str, told: str) -> None:
    assert normalized(uri) == told
    assert normalized(told) == told


@pytest.mark.parametrize(
    ("uri", "lowered"),
    [
        ("HTTPS://API.Example", "https://api.example"),
        ("HTTPS://API.Example:8443/Path?Query#Fragment", "https://api.example:8443/Path?Query#Fragment"),
        ("MCP://[2001:DB8::1]/X", "mcp://[2001:db8::1]/X"),
        ("https://API.example?Q", "https://api.example?Q"),
        ("https://User@API.example/", "https://User@API.example/"),
        ("https://\u212aPI.example/", "https://\u212aPI.example/"),
        ("urn:Example:API", "urn:Example:API"),
        ("//API.example/", "//API.example/"),
        ("API", "API"),
        ("", ""),
    ],
)
def test_scheme_and_host_in_lower_case(uri: str, lowered: str) -> None:
    assert with_lower_host(uri) == lowered
