"""Who may use the admin API, from where, and what becomes of those who may not."""

import logging
from typing import Any

import pytest
from yarl import URL

from service.admin import audit
from service.app import open_issuer, serving
from service.fronts.admin_api.routes import PREFIX, ROUTES
from tests.operators import TOKEN, operating
from tests.world import World, basic, settings_for

# tokens


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_nothing_is_there_for_those_without_a_token(world: World, route: object) -> None:
    method, path = route.method, route.path.replace("{", "").replace("}", "")  # type: ignore[attr-defined]
    async with operating(world.redis.url) as operator:
        operator.token = ""
        response = await operator.send(method, path)
        assert (response.status, (await response.json(content_type=None))["code"]) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \udcff",
    ],
)
async def test_what_is_no_token_is_refused(world: World, authorization: str) -> None:
    async with operating(world.redis.url) as operator:
        operator.token = ""
        body = await operator("GET", "/clients", status=401, Authorization=authorization)
        assert body["code"] == "unauthorized"


async def test_what_others_prove_themselves_with_is_no_token_of_an_operator(world: World) -> None:
    """A backend's API key, a client's secret and tokens: whoever holds them gets no further than a stranger. And back."""
    tokens = await world.tokens(await world.client())
    keys = {"shop": "s" * 43}
    async with operating(world.redis.url, decision_api_keys=keys) as operator:
        others = [
            *(f"Bearer {secret}" for secret in ("shop", "s" * 43, tokens["access_token"], tokens["refresh_token"])),
            *(
                basic(*pair)["Authorization"]
                for pair in (("shop", "s" * 43), ("app", "s" * 43), ("ci", TOKEN), ("", TOKEN))
            ),
        ]
        operator.token = ""
        for authorization in others:
            await operator("GET", "/clients", status=401, Authorization=authorization)
            form = {"token": authorization.partition(" ")[2]}
            assert (await operator.http.post("/console/sign-in", data=form)).status in (403, 429)
        call = "/api/auth/introspection"
        assert (await operator.http.post(call, json={"token": "x"}, headers=basic("shop", "s" * 43))).status == 200
        for headers in ({"Authorization": f"Bearer {TOKEN}"}, basic("ci", TOKEN), basic("shop", TOKEN)):
            assert (await operator.http.post(call, json={"token": "x"}, headers=headers)).status == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/admin/v1", "/admin/v1/", "/admin/v1//clients", "/admin/v1/../v1/clients", "/admin/v1/%63lients"),
        *("/admin/v1/clients/", "/admin/v1/clients/..", "/admin/v1/clients/%2e%2e", "/admin/v1/nothing"),
        *("//admin/v1/clients", "/%61dmin/v1/clients", "/ADMIN/v1/clients", "/livez/../admin/v1/clients"),
    ],
)
async def test_no_other_way_to_write_a_path_goes_around_the_token(world: World, path: str) -> None:
    await world.client("the-shop")
    async with operating(world.redis.url) as operator:
        url = URL(f"http://127.0.0.1:{operator.http.port}{path}", encoded=True)
        async with operator.http.session.get(url) as response:
            assert response.status in (401, 404)
            assert "the-shop" not in await response.text()


async def test_two_tokens_at_once_are_refused(world: World) -> None:
    async with operating(world.redis.url) as operator:
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
        assert (await operator.http.get(f"{PREFIX}/clients", headers=headers)).status == 401


async def test_the_name_of_the_token_is_in_the_audit_log(world: World) -> None:
    async with operating(world.redis.url) as operator:
        for token in (TOKEN, "o" * 40):
            operator.token = token
            await operator("POST", "/users", {"username": token[:5]}, status=201)
        page = await audit.list_entries(operator.issuer)
        assert [(placed.entry.actor, placed.entry.way) for placed in page.rows] == [
            ("other", "admin_api"),
            ("ci", "admin_api"),
        ]
        assert TOKEN not in str(page)


async def test_guessing_is_slowed_down_and_locks_nobody_out(world: World) -> None:
    """Whoever shares an address with a guesser still gets in: a token cannot be guessed."""
    async with operating(world.redis.url, client_failures_allowed=3) as operator:
        operator.token = "wrong"
        answers = [await operator.send("GET", "/clients") for _ in range(6)]
        assert [answer.status for answer in answers] == [401, 401, 401, 429, 429, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1
        operator.token = TOKEN
        await operator("GET", "/clients", status=200)
        assert "operator_blocked" in operator.issuer.metrics.exposition().decode()


async def test_failed_tries_fill_no_audit_log(world: World) -> None:
    """Else anybody could push out what operators did."""
    async with operating(world.redis.url) as operator:
        operator.token = "wrong"
        for _ in range(5):
            await operator.send("DELETE", "/users/alice")
        assert (await audit.list_entries(operator.issuer)).rows == []


async def test_without_operators_there_is_no_admin_api(world: World) -> None:
    async with operating(world.redis.url, admin_tokens={}) as operator:
        told = await operator("GET", "/clients", status=404)
        assert (told["code"], "set admin_tokens (`mintmark admin-token`" in told["detail"]) == ("no_such_path", True)
        assert (await operator.http.get("/openapi.json")).status == 404
        assert (await operator.http.get("/livez")).status == 200
        for path in ("/console", "/console/sign-in"):
            console = await operator.http.get(path)
            assert (console.status, "set admin_tokens" in await console.text()) == (404, True)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "console and admin API are off: set admin_tokens (`mintmark admin-token` makes a token)"),
        ({"admin_tokens": {"ci": TOKEN}}, ""),
    ],
)
async def test_the_log_says_what_is_off(
    world: World, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], told: str
) -> None:
    caplog.set_level(logging.INFO)
    async with open_issuer(settings_for(world.redis.url, port=0, admin_port=0, **settings)) as issuer, serving(issuer):
        (ready,) = [line for line in caplog.records if line.getMessage() == "admin_serving"]
        assert vars(ready)["hint"] == told


async def test_an_unknown_path_says_what_is_at_this_port(world: World) -> None:
    async with operating(world.redis.url) as operator:
        response = await operator.http.get("/.well-known/oauth-authorization-server")
        assert "at this port are /console, /admin/v1" in (await response.json())["error_description"]


async def test_it_is_not_at_the_port_of_the_service(world: World) -> None:
    async with world.having(admin_port=0, admin_tokens={"ci": TOKEN}) as having:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        for path in (f"{PREFIX}/clients", "/openapi.json"):
            assert (await having.http.get(path, headers=headers)).status == 404


# where from


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}, 403),
        ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}, 200),
        ({}, 200),
    ],
)
async def test_a_token_is_not_for_plain_http_from_elsewhere(
    world: World, forwarded: dict[str, str], status: int
) -> None:
    async with operating(world.redis.url, trusted_proxies=("127.0.0.0/8",)) as operator:
        body = await operator("GET", "/clients", status=status, **forwarded)
        assert status == 200 or "HTTPS is required" in body["detail"]


async def test_the_address_behind_a_trusted_proxy_is_written_down(world: World) -> None:
    async with operating(world.redis.url, trusted_proxies=("127.0.0.0/8",)) as operator:
        forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        await operator("POST", "/users", {"username": "alice"}, status=201, **forwarded)
        assert (await audit.list_entries(operator.issuer)).rows[0].entry.address == "192.0.2.7"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_of_other_sites_can_do_nothing(world: World, headers: dict[str, str]) -> None:
    """A browser would send a client certificate along with a request that needs no preflight."""
    async with operating(world.redis.url) as operator:
        await operator("POST", "/users", {"username": "alice"}, status=201)
        await operator("POST", "/users/alice/disable", status=403, **headers)
        assert (await operator("GET", "/users/alice"))["enabled"]
        preflight = await operator.http.options(
            f"{PREFIX}/users", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert not [name for name in preflight.headers if name.startswith("Access-Control")]


async def test_what_is_answered_is_kept_nowhere_and_is_no_page(world: World) -> None:
    async with operating(world.redis.url) as operator:
        for path in ("/users", "/users/nobody"):
            headers = (await operator.send("GET", path)).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Server"] == "mintmark"
