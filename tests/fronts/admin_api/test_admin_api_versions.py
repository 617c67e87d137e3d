"""Which version of a record an operator has seen (RFC 9110 8.8.3, 13.1.1): ETag and If-Match."""

import asyncio
from typing import Any

import orjson
import pytest

from service.admin import audit
from service.fronts.admin_api.routes import ROUTES
from tests.fronts.admin_api.test_admin_api_resources import WEB
from tests.operators import operating
from tests.world import World


async def test_of_two_operators_who_saw_the_same_exactly_one_wins(any_world: World) -> None:
    async with operating(any_world.redis.url) as operator:
        await operator("POST", "/clients", WEB, status=201)
        for number in range(10):
            etag = (await operator.send("GET", "/clients/web")).headers["ETag"]
            answers = await asyncio.gather(
                *(
                    operator.send("PATCH", "/clients/web", {"name": f"{number}-{racer}"}, if_match=etag)
                    for racer in range(4)
                )
            )
            assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
            (winner,) = [await answer.json() for answer in answers if answer.status == 200]
            held = await operator.send("GET", "/clients/web")
            assert (await held.json())["name"] == winner["name"]


@pytest.mark.parametrize(
    ("path", "make", "change"),
    [
        ("/clients/web", ("POST", "/clients", WEB), ("PATCH", {"name": "Web"})),
        ("/resources/api", ("POST", "/resources", {"resource": "api"}), ("PATCH", {"name": "API"})),
        (
            "/trusted-issuers/https%3A%2F%2Fci.example.com",
            ("PUT", "/trusted-issuers/https%3A%2F%2Fci.example.com", {}),
            ("PUT", {"scopes": ["deploy"]}),
        ),
    ],
    ids=["client", "resource", "trusted issuer"],
)
async def test_what_ends_is_what_was_seen_where_that_is_said(
    world: World, path: str, make: tuple[str, str, dict[str, Any]], change: tuple[str, dict[str, Any]]
) -> None:
    """RFC 9110 13.1.1: If-Match on DELETE; the ETag is in the header and in lists."""
    async with operating(world.redis.url) as operator:
        for _ in range(2):
            await operator.send(*make)
            shown = await operator.send("GET", path)
            seen = shown.headers["ETag"]
            (listed,) = next(iter((await operator("GET", path.rpartition("/")[0])).values()))
            assert (await shown.json())["etag"] == listed["etag"] == seen
            method, members = change
            await operator.send(method, path, members, if_match="*")
            assert (await operator.send("DELETE", path, if_match="")).status == 412
            refused = await operator.send("DELETE", path, if_match=seen)
            assert (refused.status, (await refused.json())["code"]) == (412, "outdated")
            now = (await operator.send("GET", path)).headers["ETag"]
            assert now != seen
            assert (await operator.send("DELETE", path, if_match=now)).status == 200
            await operator("DELETE", path, status=404)
        await operator.send(*make)
        await operator("DELETE", path)


@pytest.mark.parametrize(
    ("path", "change"),
    [("/clients/web", {"name": "Web"}), ("/users/alice", {"claims": {"name": "Alice"}})],
)
async def test_who_changes_says_what_they_saw(world: World, path: str, change: dict[str, Any]) -> None:
    async with operating(world.redis.url) as operator:
        await operator("POST", "/clients", WEB, status=201)
        await operator("POST", "/users", {"username": "alice"}, status=201)
        assert (await operator("PATCH", path, change, status=428))["code"] == "if_match_needed"
        seen = (await operator.send("GET", path)).headers["ETag"]
        changed = await operator.send("PATCH", path, change, if_match=seen)
        assert changed.status == 200
        assert changed.headers["ETag"] not in ("", seen)
        body = await operator("PATCH", path, change, status=412, if_match=seen)
        assert body["code"] == "outdated"
        for weak in (f"W/{changed.headers['ETag']}", "nonsense", ""):
            await operator("PATCH", path, change, status=412, if_match=weak)
        await operator("PATCH", path, change, status=200, if_match=f'"other", {changed.headers["ETag"]}')
        await operator("PATCH", path, change, status=200, if_match="*")
        refused = [placed.entry for placed in (await audit.list_entries(operator.issuer)).rows]
        assert sum(entry.result == "refused" for entry in refused) == 4


async def test_a_creation_is_of_a_version_too(world: World) -> None:
    async with operating(world.redis.url) as operator:
        created = await operator.send("POST", "/users", {"username": "alice"})
        assert created.headers["ETag"] == (await operator.send("GET", "/users/alice")).headers["ETag"]


_BODIES = {
    "client.replace": {"grant_types": ["client_credentials"]},
    "trust.put": {"jwks_uri": "https://ci.example/jwks"},
    "user.update": {"claims": {}},
    "user.set_password": {"password": "looking-glass"},
}


async def test_a_condition_is_checked_or_refused_by_every_operation(world: World) -> None:
    """RFC 9110 13.1: what a condition guards is not done where it does not hold, or is not understood."""
    async with operating(world.redis.url, master_key="m" * 43) as operator:
        await operator("POST", "/clients", WEB, status=201)
        await operator("POST", "/users", {"username": "web"}, status=201)
        await operator("POST", "/resources", {"resource": "web"}, status=201)
        await operator("PUT", "/trusted-issuers/web", {"jwks_uri": "https://ci.example/jwks"}, status=200)
        for route in ROUTES:
            path = route.path.format(**dict.fromkeys(route.path_members, "web"))
            body = _BODIES.get(route.operation.name, {}) if route.has_body else None
            answer = await operator(route.method, path, body, if_match='"bogus"')
            wanted = (412, "outdated") if route.is_conditional else (400, "malformed")
            assert (answer["status"], answer["code"]) == wanted, route
            if route.method != "GET":
                refused = await operator(route.method, path, body, status=400, if_none_match="*")
                assert "If-None-Match" in refused["detail"]
        entries = [placed.entry for placed in (await audit.list_entries(operator.issuer)).rows]
        assert sum(entry.result == "ok" for entry in entries) == 4, "only what was made above"


@pytest.mark.parametrize(
    ("path", "change"), [("/resources/web", {"name": "Web"}), ("/users/web/password", {"password": "looking-glass"})]
)
async def test_a_version_may_be_given_where_it_need_not(world: World, path: str, change: dict[str, Any]) -> None:
    async with operating(world.redis.url) as operator:
        await operator("POST", "/resources", {"resource": "web"}, status=201)
        await operator("POST", "/users", {"username": "web"}, status=201)
        method, record = ("PUT", "/users/web") if path.endswith("password") else ("PATCH", path)
        seen = (await operator.send("GET", record)).headers["ETag"]
        await operator(method, path, change, status=200, if_match=seen)
        await operator(method, path, change, status=412, if_match=seen)
        await operator(method, path, change, status=200, if_match="*")
        await operator(method, path, change, status=200)


async def test_of_two_who_put_a_trusted_issuer_anew_exactly_one_wins(any_world: World) -> None:
    path = "/trusted-issuers/https:%2F%2Fci.example"
    async with operating(any_world.redis.url) as operator:
        assert (await operator("PUT", path, {}, status=412, if_match="*"))["code"] == "outdated"
        await operator("PUT", path, {}, status=200)
        for number in range(5):
            seen = (await operator.send("GET", path)).headers["ETag"]
            racing = [{"clients": [f"{number}-{racer}"]} for racer in range(4)]
            answers = await asyncio.gather(*(operator.send("PUT", path, given, if_match=seen) for given in racing))
            assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
        await operator("PUT", path, {}, status=200, if_match="*")


@pytest.mark.parametrize(
    ("module", "path", "change"),
    [
        ("admin.users", "/users/web", {"claims": {"name": "{}"}}),
        ("admin.clients", "/clients/web", {"name": "{}"}),
        ("store.resources", "/resources/web", {"name": "{}"}),
    ],
)
async def test_who_loses_against_others_is_told_to_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch, module: str, path: str, change: dict[str, Any]
) -> None:
    """A conflict passes, a refusal does not: programs tell them apart by the code."""
    monkeypatch.setattr(f"service.{module}._TRIES", 1)
    async with operating(world.redis.url) as operator:
        await operator("POST", "/clients", WEB, status=201)
        await operator("POST", "/users", {"username": "web"}, status=201)
        await operator("POST", "/resources", {"resource": "web"}, status=201)
        racing = [orjson.loads(orjson.dumps(change).replace(b"{}", str(racer).encode())) for racer in range(16)]
        answers = await asyncio.gather(*(operator("PATCH", path, one, if_match="*") for one in racing))
        codes = {answer.get("code") for answer in answers}
        assert codes == {None, "contended"}
        assert {answer["status"] for answer in answers if "code" in answer} == {409}
