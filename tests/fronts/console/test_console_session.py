"""Signing in at the console, as its attacker would try: guessed tokens, foreign forms, old, stolen and made-up cookies."""

import re
from http.cookies import SimpleCookie

import pytest

from service.admin import clients
from service.fronts.console.front import PAGES
from tests.console import COOKIE, TOKEN, TOKENS, Operator, Port, field_of, operators_port
from tests.world import World

EVERY_PAGE = [page.path for page in PAGES]


async def test_there_is_no_console_where_nobody_may_use_it(world: World) -> None:
    async with operators_port(world, admin_tokens={}) as http:
        for path in ("/console", "/console/sign-in", "/console/console.js"):
            assert (await http.get(path)).status == 404


@pytest.mark.usefixtures("port")
async def test_the_world_does_not_see_it(world: World) -> None:
    """It is at the operators' port alone."""
    assert (await world.http.get("/console")).status == 404


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_every_page_wants_a_session(world: World, port: Port, path: str) -> None:
    """By GET and by POST, with no cookie and with one that was made up."""
    await world.client("web", name="The secret project")
    for cookies in ({}, {COOKIE: "a" * 43}, {COOKIE: "ü"}, {COOKIE: "x" * 5000}):
        stranger = Operator(world, port, cookies=dict(cookies))
        shown = await stranger.get(f"/console{path}", id="web")
        assert shown.heading in ("Sign in", "That request cannot be answered", ""), shown.heading
        assert "secret project" not in shown.text
        sent = await stranger.send(f"/console{path}", id="web", act="delete", typed="web")
        assert sent.heading in ("Sign in", "That request cannot be answered", "")
    assert await world.issuer.store.clients.read("web") is not None


async def test_the_cookie(alice: Operator) -> None:
    """No script, no other site, no other path in mind; gone with the browser. Redis knows its hash alone (P5)."""
    (line,) = alice.set_cookies
    morsel = SimpleCookie(line)[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["max-age"]) == (True, "Strict", "/", "")
    cookie = alice.cookies[COOKIE]
    dump = alice.world.redis.dump()
    assert not any(cookie.encode() in part for key, entry in dump.items() for part in (key, repr(entry).encode()))
    assert not any(TOKEN.encode() in repr(entry).encode() for entry in dump.values())
    (key,) = alice.world.key_names("{operator:")
    ends = alice.world.ends("{operator:")[key] - alice.world.issuer.clock()
    assert 1700 < ends <= 1801


async def test_behind_https_the_cookie_is_tied_to_the_host(world: World) -> None:
    async with operators_port(world, trusted_proxies=("127.0.0.0/8",)) as http:
        operator = Operator(world, http, headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
        assert (await operator.sign_in()).heading == "Dashboard"
        assert operator.set_cookies[0].startswith(f"__Host-{COOKIE}=")
        assert "Secure" in operator.set_cookies[0]


async def test_plain_http_is_for_this_machine_alone(world: World) -> None:
    """A proxy that was told of passes on somebody's plain request."""
    elsewhere = {"issuer": "https://tokens.example", "trusted_proxies": ("127.0.0.0/8",)}
    async with operators_port(world, **elsewhere) as http:
        far = Operator(world, http, headers={"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.7"})
        assert (await far.get("/console/sign-in")).heading == "HTTPS is required"
        assert (await far.sign_in()).status == 403
        assert not far.cookies
        assert (await Operator(world, http).sign_in()).heading == "Dashboard"


@pytest.mark.parametrize("token", ["", " ", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ü" * 40, "x" * 3000])
async def test_a_wrong_token_opens_nothing(world: World, port: Port, token: str) -> None:
    stranger = Operator(world, port)
    shown = await stranger.send("/console/sign-in", token=token)
    assert (shown.status, stranger.cookies) == (403, {})
    assert not token.strip() or token not in shown.text


async def test_guessing_is_slowed_down(world: World, port: Port) -> None:
    """After twenty wrong ones each further one is told to wait; but nobody can lock out whoever has the right one."""
    stranger = Operator(world, port)
    statuses = [(await stranger.sign_in(f"wrong {number}")).status for number in range(23)]
    assert statuses[:20] == [403] * 20
    assert statuses[20:] == [429] * 3
    shown = await stranger.sign_in("wrong again")
    assert "Too many wrong tokens" in shown.text
    assert int(shown.headers["Retry-After"]) >= 1
    assert not stranger.cookies
    assert (await stranger.sign_in()).heading == "Dashboard"


async def test_signing_out_ends_it_for_whoever_has_the_cookie(alice: Operator) -> None:
    thief = Operator(alice.world, alice.http, cookies=dict(alice.cookies))
    assert (await thief.get("/console")).heading == "Dashboard"
    assert (await alice.post("/console/sign-out")).heading == "Sign in"
    assert alice.cookies == {}
    assert (await thief.get("/console")).heading == "Sign in"
    assert alice.world.key_names("{operator:") == set()


async def test_signing_out_needs_the_form(alice: Operator) -> None:
    assert (await alice.send("/console/sign-out")).status == 403
    assert (await alice.get("/console/sign-out")).status == 405
    assert (await alice.get("/console")).heading == "Dashboard"


async def test_a_session_ends_idle_and_at_the_latest(world: World) -> None:
    """By the TTL of its key (P4), and by when it began, however often it is used."""
    now = [world.issuer.clock()]
    async with world.with_part(clock=lambda: now[0]) as moved, operators_port(moved, console_lifetime=3600) as http:
        operator = Operator(moved, http)
        await operator.sign_in()
        for _ in range(3):
            now[0] += 1000
            assert (await operator.get("/console/clients")).heading == "Clients"
        now[0] += 1000
        assert (await operator.get("/console/clients")).heading == "Sign in"
        await operator.sign_in()
        moved.expire("{operator:")
        assert (await operator.get("/console")).heading == "Sign in"


async def test_looking_at_the_charts_does_not_prolong_it(alice: Operator) -> None:
    """A forgotten tab with a dashboard that updates itself must not stay signed in for ever."""
    world = alice.world
    admin = world.redis.primaries()[0].admin
    (key,) = world.key_names("{operator:")
    admin.expire(key, 100)
    assert (await alice.get("/console/numbers")).status == 200
    assert admin.ttl(key) <= 100
    await alice.get("/console/clients")
    await alice.get("/console/clients")
    assert admin.ttl(key) > 1000


async def test_a_token_that_is_taken_back_ends_its_sessions(world: World) -> None:
    """Another one under the same name does not bring them back."""
    async with operators_port(world) as http:
        operator = Operator(world, http)
        await operator.sign_in()
    for tokens in ({"bob": TOKENS["bob"]}, {"alice": "another-token-of-alice-0123456789abcdef"}):
        async with operators_port(world, admin_tokens=tokens) as http:
            later = Operator(world, http, cookies=dict(operator.cookies))
            assert (await later.get("/console")).heading == "Sign in"


@pytest.mark.parametrize(
    "onward",
    [
        *("https://evil.example", "//evil.example", "/console/../x", "/x", "/console/\nx", "/consolex", "/console\\x"),
        *("/console//evil", "/console?x=//evil.example", "/console/clients\n", "/console/client?id=a\r\nX:y"),
        *("/console/sign-in", "/console/sign-out", "/console/numbers", "/console/clients/"),
    ],
)
async def test_signing_in_leads_nowhere_else(world: World, port: Port, onward: str) -> None:
    operator = Operator(world, port)
    shown = await operator.get("/console/sign-in", next=onward)
    assert field_of(shown, "next") == "/console"
    assert (await operator.send("/console/sign-in", token=TOKEN, next=onward)).heading == "Dashboard"


async def test_signing_in_leads_back(world: World, port: Port) -> None:
    await world.client("web", name="The web shop")
    operator = Operator(world, port)
    shown = await operator.get("/console/client", id="web")
    shown = await operator.send("/console/sign-in", token=TOKEN, next=field_of(shown, "next"))
    assert shown.heading == "The web shop"


async def test_who_signs_in_anew_leaves_no_session_behind(alice: Operator, bob: Operator) -> None:
    """At the same browser, as somebody else: the cookie from before is overwritten there, and must be good for nobody."""
    before = alice.cookies[COOKIE]
    alice.name = "bob"
    assert (await alice.sign_in("wrong")).status == 403
    assert (await Operator(alice.world, alice.http, cookies={COOKIE: before}).get("/console")).heading == "Dashboard"
    await alice.sign_in()
    assert (await Operator(alice.world, alice.http, cookies={COOKIE: before}).get("/console")).heading == "Sign in"
    assert (await bob.get("/console")).heading == "Dashboard"
    assert len(alice.world.key_names("{operator:")) == 2


@pytest.mark.parametrize("planted", ["A" * 43, "x", "ü" * 43])
async def test_a_cookie_from_before_signing_in_is_not_taken_over(world: World, port: Port, planted: str) -> None:
    """Session fixation: whoever planted it does not share the session."""
    operator = Operator(world, port, cookies={COOKIE: planted})
    assert (await operator.sign_in()).heading == "Dashboard"
    assert operator.cookies[COOKIE] != planted
    assert (await Operator(world, port, cookies={COOKIE: planted}).get("/console")).heading == "Sign in"


async def test_what_one_front_gives_is_nothing_at_another(alice: Operator, world: World) -> None:
    """A cookie of the console opens no API, and no token opens a page without signing in."""
    cookie = alice.cookies[COOKIE]
    api, page = "/admin/v1/clients", "/console/clients"
    for headers in ({"Cookie": f"{COOKIE}={cookie}"}, {"Authorization": f"Bearer {cookie}"}):
        alice.http.session.cookie_jar.clear()
        assert (await alice.http.get(api, headers=headers)).status == 401
        assert (await alice.http.post("/api/auth/introspection", json={}, headers=headers)).status in (401, 404)
    for headers in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"{COOKIE}={TOKEN}"}):
        assert (await alice.http.get(page, headers=headers, allow_redirects=False)).status == 303
    for path in ("/introspect", "/userinfo", "/revoke", "/register"):
        response = await world.http.post(path, data={"token": "x"}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status in (400, 401, 404), path


# forms of others


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Origin": "http://[evil"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_of_another_site_does_nothing(alice: Operator, headers: dict[str, str]) -> None:
    """Even with the right token in it."""
    await alice.world.client("web")
    csrf = await alice.csrf()
    alice.headers = headers
    shown = await alice.send("/console/client/act", csrf=csrf, id="web", act="disable")
    assert (shown.status, shown.heading) == (403, "That came from another site")
    assert (await clients.get_client(alice.world.issuer, "web")).enabled
    stranger = Operator(alice.world, alice.http, headers=headers)
    assert (await stranger.sign_in()).status == 403
    assert not stranger.cookies


@pytest.mark.parametrize("csrf", ["", "x", "ü", "a" * 43])
async def test_a_form_without_the_session_s_token_does_nothing(alice: Operator, bob: Operator, csrf: str) -> None:
    await alice.world.client("web")
    for given in (csrf, await bob.csrf()):
        shown = await alice.send("/console/client/act", csrf=given, id="web", act="disable")
        assert (shown.status, shown.heading) == (403, "That form is not valid any more")
    assert (await clients.get_client(alice.world.issuer, "web")).enabled


@pytest.mark.parametrize("path", [page.path for page in PAGES if page.post])
async def test_every_form_is_checked(alice: Operator, path: str) -> None:
    assert (await alice.send(f"/console{path}", id="x")).status == 403


async def test_a_browser_s_own_form_is_taken(alice: Operator) -> None:
    await alice.world.client("web")
    csrf = await alice.csrf()
    alice.headers = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{alice.http.port}"}
    assert (await alice.send("/console/client/act", csrf=csrf, id="web", act="disable")).status == 200


async def test_methods_that_are_not_allowed(alice: Operator) -> None:
    for method, path in (("POST", "/console/clients"), ("DELETE", "/console/client"), ("PUT", "/console/sign-in")):
        shown = await alice._go(method, path)
        assert shown.status == 405
        assert shown.headers["Allow"] in ("GET, HEAD", "GET, HEAD, POST")


# headers


@pytest.mark.parametrize("path", ["/console", "/console/sign-in", "/console/client?id=nobody", "/console/sign-out"])
async def test_headers_that_keep_pages_safe(alice: Operator, path: str) -> None:
    """No framing, no script but ours, nothing kept by caches."""
    shown = await alice.get(path)
    policy = dict(part.split(" ", 1) for part in shown.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert shown.headers["X-Frame-Options"] == "DENY"
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?! src=)|\son[a-z]+=|\sstyle=|javascript:", shown.text)


async def test_what_pages_load_is_ours_and_kept_by_its_content(alice: Operator) -> None:
    shown = await alice.get("/console")
    for path, kind in re.findall(r'(?:href|src)="(/console/console\.(css|js)\?v=[0-9a-f]{16})"', shown.text):
        response = await alice.http.get(path)
        assert response.status == 200
        assert response.content_type == {"css": "text/css", "js": "text/javascript"}[kind]
        assert "immutable" in response.headers["Cache-Control"]
    assert not re.search(r'(?:src|href)="(?!/console|#|")', shown.text)


async def test_signing_in_and_out_twice_is_no_dead_end(world: World, port: Port) -> None:
    """A double click: the second form comes with the cookies of before the first one's answer."""
    twins = [Operator(world, port), Operator(world, port)]
    assert [(await one.sign_in()).heading for one in twins] == ["Dashboard", "Dashboard"]
    again = [Operator(world, port, cookies=dict(twins[0].cookies)) for _ in range(2)]
    csrf = await again[0].csrf()
    assert [(await one.send("/console/sign-out", csrf=csrf)).heading for one in again] == ["Sign in", "Sign in"]
