"""Every path of every front with every method: served, or refused as RFC 9110 wants it, in the front's own form."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import NamedTuple

import pytest
from aiohttp import ClientSession

from service.app import serving
from service.fronts import browser, oauth
from service.fronts.admin_api.routes import OPENAPI_PATH, PREFIX
from service.fronts.admin_api.routes import ROUTES as ADMIN_ROUTES
from service.fronts.console.front import PAGES
from service.fronts.console.rendering import FILES
from service.fronts.decision_api import ROUTES as DECISION_ROUTES
from service.fronts.health import Health
from tests.operators import TOKENS
from tests.server_process import free_port
from tests.wire import Answer, exchange, request
from tests.world import World, settings_for

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "SEARCH")
PAGE, JSON, PROBLEM = "text/html", "application/json", "application/problem+json"
KEYS = {"shop": "k" * 40}
ACTING = re.compile("/(authorize|logout|client/secret/refresh/[^/]+)$")
"""Paths whose GET issues, ends or renews something; the result is lost without the content, so they have no HEAD."""


class Ports(NamedTuple):
    """``world``: has the settings of what listens there."""

    public: int
    operators: int
    world: World


@pytest.fixture
async def ports(world: World) -> AsyncIterator[Ports]:
    settings = settings_for(
        world.redis.url,
        port=0,
        admin_port=free_port(),
        admin_tokens=TOKENS,
        decision_api_keys=KEYS,
        registration="open",
        issuer="http://127.0.0.1:8080/tenant/",
        drain_seconds=0,
    )
    issuer = replace(world.issuer, settings=settings, url=settings.issuer)
    async with serving(issuer) as url:
        yield Ports(int(url.rpartition(":")[2]), settings.admin_port or 0, replace(world, issuer=issuer))


def _public(ports: Ports) -> dict[str, str]:
    """Every path of the public port, and the form of its refusals."""
    issuer = ports.world.issuer
    pages = dict.fromkeys(browser.Front(issuer).handlers(), PAGE)
    return pages | dict.fromkeys((*oauth.handlers(issuer), *Health(issuer).handlers()), JSON)


def _operators() -> dict[str, str]:
    """The same of the operators' port, names in paths filled in."""
    console = [f"/console{page.path}" for page in PAGES] + [f"/console/{name}" for name in FILES]
    found = dict.fromkeys([*console, "/console/sign-in", "/console/sign-out", "/console/nowhere"], PAGE)
    admin = [f"{PREFIX}{route.path}" for route in ADMIN_ROUTES] + [OPENAPI_PATH]
    found |= dict.fromkeys(admin, PROBLEM)
    decisions = [f"{prefix}{route.path}" for prefix in ("/api", "/api/{service_id}") for route in DECISION_ROUTES]
    found |= dict.fromkeys((*decisions, "/livez", "/readyz", "/metrics"), JSON)
    return {re.sub(r"\{[^}]+\}", "x", path): form for path, form in found.items()}


async def _every(port: int, path: str) -> dict[str, Answer]:
    return {method: await exchange(port, request(method.encode(), path.encode())) for method in METHODS}


def _check(path: str, form: str, answers: dict[str, Answer]) -> None:
    allowed = {name for name in METHODS if answers[name].status != 405} - {"OPTIONS"}
    assert allowed, path
    for method, answer in answers.items():
        where = f"{method} {path}"
        assert answer.status < 500, where
        assert "server" in answer.headers, where
        if answer.status == 405:
            assert set(answer.headers["allow"].split(", ")) == allowed, where
            assert answer.headers["content-type"].startswith(form), where
            assert (answer.body == b"") == (method == "HEAD"), where
    assert answers["OPTIONS"].status == 204, path
    assert set(answers["OPTIONS"].headers["allow"].split(", ")) == allowed, path
    assert ("HEAD" in allowed) == ("GET" in allowed and not ACTING.search(path)), path
    if "HEAD" in allowed:
        _check_head(path, answers["GET"], answers["HEAD"])


def _check_head(path: str, get: Answer, head: Answer) -> None:
    """RFC 9110 9.3.2: the same but for the content, and but for what is made anew each time."""
    assert (head.status, head.body) == (get.status, b""), path
    fresh = {"x-request-id", "date", "set-cookie", "content-security-policy", "location", "retry-after"}
    fresh |= (
        {"content-length"} if path == "/metrics" or get.body == b"" else set()
    )  # without content it may be left out
    kept = {name: value for name, value in get.headers.items() if name not in fresh}
    assert {name: value for name, value in head.headers.items() if name not in fresh} == kept, path


async def test_every_path_of_the_public_port(ports: Ports) -> None:
    for path, form in _public(ports).items():
        _check(path, form, await _every(ports.public, path))


async def test_every_path_of_the_operators_port(ports: Ports) -> None:
    for path, form in _operators().items():
        _check(path, form, await _every(ports.operators, path))


@pytest.mark.parametrize("path", ["/style.css", "/tenant/style.css", "/tenant", "/login"])
async def test_nothing_is_deleted(ports: Ports, path: str) -> None:
    answer = await exchange(ports.public, request(b"DELETE", path.encode()))
    assert (answer.status, "GET, HEAD" in answer.headers["allow"]) == (405, True)


@pytest.mark.parametrize("path", ["/nowhere", "/token/", "/tenant/nowhere", "//", "/style.css/x"])
@pytest.mark.parametrize(
    ("accept", "form"),
    [
        *(("text/html,*/*;q=0.8", PAGE), ("Text/HTML", PAGE), ("image/png\r\nAccept: text/html", PAGE)),
        *(("*/*", JSON), ("application/json", JSON), ("application/json, text/html;q=0", JSON)),
    ],
)
async def test_unknown_paths_answer_in_the_form_that_is_read(ports: Ports, path: str, accept: str, form: str) -> None:
    answer = await exchange(ports.public, request(b"GET", path.encode(), b"Accept: " + accept.encode()))
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (404, form)


@pytest.mark.parametrize(
    ("languages", "language"),
    [
        *(("de", "de"), ("en;q=0.5, de-CH;q=0.8", "de"), ("de;q=0, en;q=0.1", "en"), ("de, en", "de"), ("*", "en")),
        *(("fr\r\nAccept-Language: de", "de"), ("de;q=2, en", "en"), ("d" * 9 + ", de", "de"), ("", "en")),
    ],
)
async def test_pages_are_in_the_language_of_the_browser(ports: Ports, languages: str, language: str) -> None:
    """RFC 9110 section 12.5.4."""
    lines = (b"Accept: text/html", b"Accept-Language: " + languages.encode())
    answer = await exchange(ports.public, request(b"GET", b"/nowhere", *lines))
    assert answer.headers["content-language"] == language


@pytest.mark.parametrize(
    ("path", "location"), [("/login/?a=b", "/login?a=b"), ("/tenant/applications/", "/tenant/applications")]
)
async def test_a_page_with_a_slash_too_many_is_found(ports: Ports, path: str, location: str) -> None:
    answer = await exchange(ports.public, request(b"GET", path.encode()))
    assert (answer.status, answer.headers["location"]) == (308, location)
    other = await exchange(ports.public, request(b"POST", path.encode(), b"Content-Length: 0"))
    assert other.status == 404


@pytest.mark.parametrize(
    ("path", "status", "form"),
    [("/console/nowhere", 404, PAGE), ("/admin/v1/nowhere", 401, PROBLEM), ("/nowhere", 404, JSON)],
)
async def test_unknown_paths_of_operators(ports: Ports, path: str, status: int, form: str) -> None:
    answer = await exchange(ports.operators, request(b"GET", path.encode()))
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, form)


async def test_an_operator_s_unknown_path_is_a_problem(ports: Ports) -> None:
    async with ClientSession(headers={"Authorization": f"Bearer {TOKENS['ci']}"}) as http:
        async with http.get(f"http://127.0.0.1:{ports.operators}/admin/v1/nowhere") as response:
            assert (response.status, (await response.json())["code"]) == (404, "no_such_path")
        async with http.delete(f"http://127.0.0.1:{ports.operators}/admin/v1/clients") as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD, POST")


def _kept(world: World) -> dict[bytes, object]:
    return {key: entry.value for key, entry in world.redis.dump().items()}


async def test_head_reads_what_get_reads_and_changes_nothing(ports: Ports) -> None:
    """RFC 9110 9.3.2: every path that has GET or HEAD, by an operator and by a backend, with the query of GET."""
    world, base = ports.world, f"http://127.0.0.1:{ports.operators}"
    await world.client("x")
    callers = {"/api": "Bearer " + KEYS["shop"], PREFIX: f"Bearer {TOKENS['ci']}"}
    reading = [f"{PREFIX}{route.path}" for route in ADMIN_ROUTES if route.method == "GET"]
    reading += [f"/api/shop{route.path}" for route in DECISION_ROUTES if "GET" in route.methods]
    async with ClientSession() as http:
        for path in [re.sub(r"\{[^}]+\}", "x", path) for path in reading]:
            headers = {"Authorization": next(value for prefix, value in callers.items() if path.startswith(prefix))}
            for query in ("", "?start=x", "?subject=alice"):
                before, status = _kept(world), 405
                if not ACTING.search(path):
                    async with http.get(base + path + query, headers=headers) as get:
                        before, status = _kept(world), get.status
                async with http.head(base + path + query, headers=headers) as head:
                    assert (head.status, _kept(world)) == (status, before), (path, query)


async def test_head_issues_no_code_and_signs_nobody_out(ports: Ports) -> None:
    for path in ("/tenant/authorize", "/tenant/logout"):
        answer = await exchange(ports.public, request(b"HEAD", path.encode()))
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


async def test_the_server_as_a_whole_is_asked_for_its_methods(ports: Ports) -> None:
    """RFC 9110 9.3.7."""
    answer = await exchange(ports.public, request(b"OPTIONS", b"*"))
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, POST")


async def test_preflights_are_answered_where_pages_may_call(ports: Ports) -> None:
    origin = (b"Origin: https://app.example", b"Access-Control-Request-Method: POST")
    for path, offered in (("/token", True), ("/jwks", True), ("/login", False), ("/livez", False)):
        answer = await exchange(ports.public, request(b"OPTIONS", path.encode(), *origin))
        assert (answer.status, "access-control-allow-origin" in answer.headers) == (204, offered), path


# Expect (RFC 9110 10.1.1), and headers of any bytes

EXPECTATIONS = {
    b"\xff": 417,
    b"200-ok": 417,
    b"100-continue, x": 417,
    b"x=1; y": 417,
    b"": None,
    b"100-Continue": None,
    b"100-continue, 100-continue": None,
}


@pytest.mark.parametrize("expectation", EXPECTATIONS)
async def test_expectations_are_met_or_refused_everywhere(ports: Ports, expectation: bytes) -> None:
    for port, paths in ((ports.public, _public(ports)), (ports.operators, _operators())):
        for path, form in paths.items():
            plain = await exchange(port, request(b"GET", path.encode()))
            answer = await exchange(port, request(b"GET", path.encode(), b"Expect: " + expectation))
            if plain.status == 405 or EXPECTATIONS[expectation] is None:
                assert answer.status == plain.status, path
            else:
                assert answer.status == 417, path
                assert answer.headers["content-type"].startswith(form), path
            assert b"200-ok" not in answer.body


HEADERS = (
    *("Authorization", "Cookie", "Origin", "Host", "X-Forwarded-For", "X-Forwarded-Proto", "If-Match", "If-None-Match"),
    *("Content-Type", "Accept", "Accept-Language", "X-Request-Id", "Traceparent", "User-Agent", "Sec-Fetch-Site"),
    *("Content-Encoding", "DPoP", "Upgrade", "Range", "Access-Control-Request-Method"),
)
BYTES = (
    b"\xff",
    b"\xc3\xa4",
    b"Basic \xff",
    b"Bearer \xff\xfe",
    b"a=\xff; mintmark_session=\xff",
    b"text/html; charset=\xff",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_of_any_bytes_is_an_incident(ports: Ports, name: str) -> None:
    for port, paths in ((ports.public, _public(ports)), (ports.operators, _operators())):
        for path in paths:
            for number, value in enumerate(BYTES):
                if (len(path) + number) % 3:  # a third of the pairs: all forms of values meet all kinds of paths
                    continue
                for method in (b"GET", b"POST"):
                    lines = [name.encode() + b": " + value, b"Content-Length: 2"]
                    answer = await exchange(port, request(method, path.encode(), *lines) + b"{}")
                    assert answer.status < 500, (method, path, name, value)
