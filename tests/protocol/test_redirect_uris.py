"""Redirect URIs: what may be registered, which one a code is sent to, and its repetition at the token request."""

import pytest

from service.protocol.errors import InvalidGrant, InvalidRequest
from service.protocol.redirect_uris import check_registrable, check_repeated, resolve

APP = "https://app.example/callback"
OTHER = "https://app.example/other"
NATIVE = "http://127.0.0.1/callback"


@pytest.mark.parametrize(
    "uri",
    [
        APP,
        "https://app.example:8443/callback?tenant=1",
        "http://127.0.0.1:8000/callback",
        "http://localhost/callback",
        "http://[::1]:8000/callback",
        "com.example.app:/callback",
        "com.example.app://x:0/callback",
        "https://a/callback",
        "https://a-b.c_d.example:65535/",
        "https://[2001:db8::1]:8443/callback",
    ],
)
def test_may_be_registered(uri: str) -> None:
    assert check_registrable(uri) == uri


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("", "not an absolute URI"),
        ("/callback", "not an absolute URI"),
        ("javascript:alert(1)", "not an absolute URI"),
        ("JavaScript:alert(1)", "not an absolute URI"),
        ("data:text/html,x", "not an absolute URI"),
        ("vbscript:msgbox", "not an absolute URI"),
        ("file:///etc/passwd", "not an absolute URI"),
        ("about:blank", "not an absolute URI"),
        ("blob:https://app.example/1", "not an absolute URI"),
        ("https://app.example/#part", "fragment"),
        ("https://app.example/#", "fragment"),
        ("https://user:password@app.example/", "user name"),
        ("https://user@app.example/", "user name"),
        ("https://@app.example/", "user name"),
        ("com.example.app://user:password@x/", "user name"),
        ("https://app.example\\@evil.example/", "backslash"),
        ("http://app.example/callback", "loopback"),
        ("http:///callback", "loopback"),
        ("http://127.0.0.1:0/callback", "port 0"),
        ("http://127.0.0.1:99999/callback", "ort out of range"),
        ("http://127.0.0.1.evil.example/callback", "loopback"),
        ("https:///callback", "no host"),
        ("https://x;sandbox/callback", "no host"),
        ("https://a℀b/callback", "ASCII"),
        ("https://app.example/ü", "ASCII"),
        ("https://app.example:99999/", "ort out of range"),
        ("https://app.example:0/", "port 0"),
        ("http://evil.example\\[::1]/", "backslash"),
        ("https://app.example/a b", "without spaces"),
        ("https://app.example/\r\nSet-Cookie:x", "without spaces"),
        ("https://app.example/\x7f", "without spaces"),
        ("https://[", "IPv6"),
    ],
)
def test_may_not_be_registered(uri: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_registrable(uri)


@pytest.mark.parametrize(
    ("requested", "registered", "chosen"),
    [
        pytest.param(APP, (APP, OTHER), APP, id="one of several"),
        pytest.param(None, (APP,), APP, id="left out, one is registered"),
        pytest.param("http://127.0.0.1:51234/callback", (NATIVE,), "http://127.0.0.1:51234/callback", id="any port"),
        pytest.param("http://[::1]:5/cb", ("http://[::1]:9/cb",), "http://[::1]:5/cb", id="any port of IPv6 loopback"),
        pytest.param(
            "http://127.0.0.1:65535/callback", (APP, NATIVE), "http://127.0.0.1:65535/callback", id="the last"
        ),
        pytest.param(NATIVE, ("http://127.0.0.1:8000/callback",), NATIVE, id="no port"),
    ],
)
def test_where_a_code_is_sent(requested: str | None, registered: tuple[str, ...], chosen: str) -> None:
    """IA-22, WM-10; RFC 8252 section 7.3."""
    assert resolve(requested, registered) == chosen


@pytest.mark.parametrize(
    ("requested", "registered"),
    [
        pytest.param(None, (APP, OTHER), id="WM-10 left out, several are registered"),
        pytest.param(None, (), id="left out, none is registered"),
        pytest.param(OTHER, (APP,), id="not registered"),
        pytest.param(APP + "/", (APP,), id="a slash more"),
        pytest.param(APP + "?x=1", (APP,), id="a query more"),
        pytest.param(APP.upper(), (APP,), id="another case"),
        pytest.param("https://app.example:8443/callback", (APP,), id="another port of a real host"),
        pytest.param(
            "http://localhost:51234/callback", ("http://localhost/callback",), id="localhost has no free port"
        ),
        pytest.param("http://[::1]:51234/callback", (NATIVE,), id="IPv6 for IPv4"),
        pytest.param("https://127.0.0.1:51234/callback", (NATIVE,), id="another scheme"),
        pytest.param("http://127.0.0.1:51234/other", (NATIVE,), id="another path"),
        pytest.param("http://127.0.0.1:51234/callback#x", (NATIVE,), id="a fragment"),
        pytest.param("http://127.0.0.1:51234/callback#", (NATIVE,), id="an empty fragment"),
        pytest.param("http://evil@127.0.0.1:51234/callback", (NATIVE,), id="a user name"),
        pytest.param("http://127.0.0.1:51234@evil.example/callback", (NATIVE,), id="a host behind the port"),
        pytest.param("http://127.0.0.1:99999/callback", (NATIVE,), id="no such port"),
        pytest.param("http://127.0.0.1:65536/callback", (NATIVE,), id="the first that is no port"),
        pytest.param("https://127.0.0.1:1/callback", ("https://127.0.0.1/callback",), id="https has no free port"),
        pytest.param("http://127.0.0.1:1/callback?x", (NATIVE,), id="a query and another port"),
        pytest.param("http://127.0.0.1:x/callback", (NATIVE,), id="a port that is no number"),
        pytest.param("http://127.0.0.1:51234/call\r\nback", (NATIVE,), id="a line end inside"),
        pytest.param("http://127.0.0.1:51234/call\tback", (NATIVE,), id="a tab inside"),
        pytest.param("http://[", (NATIVE,), id="a bracket"),
        pytest.param("http://evil.example\\[::1]:80/cb", ("http://[::1]/cb",), id="a backslash is a slash to browsers"),
        pytest.param("http://evil.example[::1]:80/cb", ("http://[::1]/cb",), id="something before the bracket"),
        pytest.param("http://[::1]evil.example:80/cb", ("http://[::1]/cb",), id="something behind the bracket"),
        pytest.param("http://１２７.0.0.1:80/callback", (NATIVE,), id="other digits"),
        pytest.param("http://[0::1]:80/cb", ("http://[::1]/cb",), id="the same address in other words"),
    ],
)
def test_where_no_code_is_sent(requested: str | None, registered: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest):
        resolve(requested, registered)


@pytest.mark.parametrize(
    ("at_token", "was_given"),
    [
        pytest.param(APP, True, id="repeated"),
        pytest.param(None, False, id="left out as before"),
        pytest.param(APP, False, id="named though it was left out before"),
    ],
)
def test_the_token_request_repeats_it(at_token: str | None, was_given: bool) -> None:
    """IA-22, WM-10, WM-11; RFC 6749 section 4.1.3."""
    check_repeated(at_token, APP, was_given=was_given)


@pytest.mark.parametrize(
    ("at_token", "was_given", "error"),
    [
        pytest.param(None, True, InvalidRequest, id="left out though it was named before"),
        pytest.param(OTHER, True, InvalidGrant, id="WM-11 another one"),
        pytest.param(OTHER, False, InvalidGrant, id="another one than the only one"),
        pytest.param(APP + "/", True, InvalidGrant, id="a slash more"),
    ],
)
def test_the_token_request_does_not_repeat_it(at_token: str | None, was_given: bool, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_repeated(at_token, APP, was_given=was_given)
