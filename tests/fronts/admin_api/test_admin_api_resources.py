"""What operators do by the admin API: each resource, its versions, its pages, and what it says of what went wrong."""

from typing import Any

import orjson
import pytest

from service.admin import audit, registration
from service.directory import Person
from service.fronts.admin_api.routes import ROUTES, OperationRoute
from service.login import sessions
from tests.cutting_proxy import CuttingProxy
from tests.operators import Operator, operating
from tests.world import World

WEB = {
    "client_id": "web",
    "grant_types": ["authorization_code", "refresh_token"],
    "redirect_uris": ["https://app.example/callback"],
    "scopes": ["read", "write"],
    "default_scope": "read",
}
MEMBERS = {name: value for name, value in WEB.items() if name != "client_id"}


async def a_life(operator: Operator) -> None:
    """Every operation that changes something, once, in an order in which each is possible."""
    do = operator
    await do("POST", "/clients", WEB, status=201)
    await do("PATCH", "/clients/web", {"name": "Web"}, status=200, if_match="*")
    await do("PUT", "/clients/web", MEMBERS, status=200, if_match="*")
    await do("POST", "/clients/web/secrets", {"keep_old": True}, status=200)
    await do("DELETE", "/clients/web/secrets/old", status=200)
    await do("POST", "/clients/web/disable", status=200)
    await do("POST", "/clients/web/enable", status=200)
    theirs = await registration.register(operator.issuer, {"redirect_uris": ["https://app.example/callback"]})
    path = f"/clients/{theirs['client_id']}"
    seen = (await operator.send("GET", path)).headers["ETag"]
    assert (await do("POST", f"{path}/approve", status=200, if_match=seen))["approved"]
    assert not (await do("POST", f"{path}/withdraw-approval", status=200))["approved"]
    await do("DELETE", path, status=200)
    await do("POST", "/users", {"username": "alice", "password": "wonderland"}, status=201)
    await do("PATCH", "/users/alice", {"claims": {"name": "Alice"}}, status=200, if_match="*")
    await do("PUT", "/users/alice/password", {"password": "looking-glass"}, status=200)
    await do("PUT", "/users/alice/user-code", {"user_code": "cheshire-cat"}, status=200)
    await do("POST", "/codes", {"client": "web", "user": "alice"}, status=201)
    code = await do("POST", "/codes", {"client": "web", "user": "alice"}, status=201)
    await do("DELETE", f"/grants/{code['code'][6:28]}", status=200)
    assert (await do("POST", "/grants/revoke", {"user": "alice"}, status=200)) == {"grants_ended": 1}
    signed = await sessions.sign_in(operator.issuer, Person("alice", "alice"), None, amr=("pwd",))
    await do("DELETE", f"/sessions/{signed.session.sid}", status=200)
    await do("POST", "/users/alice/sign-out", status=200)
    await do("POST", "/users/alice/disable", status=200)
    await do("POST", "/users/alice/enable", status=200)
    await do("DELETE", "/users/alice", status=200)
    rotated = await do("POST", "/keys/rotate", {"algorithm": "ES256"}, status=200)
    await do("DELETE", f"/keys/{rotated['keys'][0]['kid']}", status=200)
    await do("POST", "/keys/reseal", status=200)
    await do("PUT", "/trusted-issuers/https:%2F%2Fci.example", {"jwks_uri": "https://ci.example/jwks"}, status=200)
    await do("DELETE", "/trusted-issuers/https:%2F%2Fci.example", status=200)
    await do("POST", "/resources", {"resource": "https://mcp.example/mcp", "scopes": ["mcp:tools"]}, status=201)
    await do("PATCH", "/resources/https:%2F%2Fmcp.example%2Fmcp", {"self_registered": True}, status=200)
    await do("DELETE", "/resources/https:%2F%2Fmcp.example%2Fmcp", status=200)
    await do("POST", "/initial-access-tokens", {"uses": 3}, status=201)
    await do("POST", "/clients/web/revoke", status=200)
    assert (await do("GET", "/everything", status=200))["clients"] == 1
    assert (await do("POST", "/everything/end", {}, status=200))["cursor"] == ""
    await do("DELETE", "/clients/web", status=200)


def changes(route: OperationRoute) -> bool:
    """Whether something is different afterwards."""
    return route.method != "GET" and route.operation.name not in (
        "grant.find",
        "client.sweep",
        "client.preview",
        "token.inspect",
        "hook.test",
    )


async def test_every_act_is_possible_and_in_the_audit_log(world: World) -> None:
    """IA-40, and also of a route that somebody adds: an operation that changes something is an action of the log."""
    async with operating(world.redis.url, master_key="m" * 43) as operator:
        await a_life(operator)
        page = await audit.list_entries(operator.issuer, limit=100)
        done = {placed.entry.action for placed in page.rows}
        assert {placed.entry.result for placed in page.rows} == {"ok"}
        wanted = {route.operation.name for route in ROUTES if changes(route)}
        replaced = {"client.replace"}  # is an update of every member
        assert wanted - replaced <= done
        assert all(entry["actor"] == "ci" for entry in (await operator("GET", "/audit?limit=5"))["entries"])


async def test_a_token_for_no_registration_is_refused(world: World) -> None:
    """0 must not be the word for any number, which is -1."""
    async with operating(world.redis.url) as operator:
        for none in (0, -2):
            told = await operator("POST", "/initial-access-tokens", {"uses": none}, status=422)
            assert told["faults"] == [{"member": "uses", "text": "must be at least 1, or -1 for any number"}]


async def test_an_issuer_that_is_trusted_for_nothing_is_refused(world: World) -> None:
    """An empty list is no word for jwt-bearer, by which an issuer asserts users."""
    given: dict[str, Any] = {"jwks_uri": "https://ci.example/jwks"}
    path = "/trusted-issuers/https:%2F%2Fci.example"
    async with operating(world.redis.url) as operator:
        told = await operator("PUT", path, given | {"uses": []}, status=422)
        assert told["faults"][0]["text"].startswith("must name at least one use")
        assert (await operator("PUT", path, given, status=200))["uses"] == ["jwt-bearer"]


async def test_what_is_replaced_loses_what_is_not_said(world: World) -> None:
    async with operating(world.redis.url) as operator:
        await operator("POST", "/clients", {**WEB, "name": "Web", "require_pkce": True}, status=201)
        replaced = await operator("PUT", "/clients/web", MEMBERS, status=200, if_match="*")
        assert (replaced["name"], replaced["require_pkce"], replaced["scopes"]) == ("", False, ["read", "write"])
        assert len(replaced["secrets"]) == 1


# an answer that got lost


async def test_a_creation_that_is_sent_again_is_done_once(world: World) -> None:
    async with operating(world.redis.url) as operator:
        await operator("POST", "/clients", WEB, status=201)
        assert (await operator("POST", "/clients", WEB, status=409))["code"] == "already_exists"
        rotated = await operator("POST", "/clients/web/secrets", {}, status=200)
        assert rotated["client_secret"].startswith("mm_cs_")


# what went wrong


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "member"),
    [
        ("POST", "/clients", {"client_id": "a b"}, 422, "refused", "client_id"),
        ("POST", "/clients", {**WEB, "redirect_uris": ["http://a.example"]}, 422, "refused", "redirect_uris.0"),
        ("POST", "/clients", {**WEB, "colour": "red"}, 422, "refused", "colour"),
        ("POST", "/clients", {**WEB, "secret": "short"}, 422, "refused", "secret"),
        ("POST", "/users", {"username": "bob", "password": "short"}, 422, "refused", "password"),
        ("POST", "/users", {}, 422, "refused", "username"),
        ("GET", "/clients?limit=0", None, 422, "refused", "limit"),
        ("GET", "/refused?error=invalid_grnat", None, 422, "refused", "error"),
        ("GET", "/refused?reason=code_replaid", None, 422, "refused", "reason"),
        ("GET", "/statistics/history?seconds=0", None, 422, "refused", "seconds"),
        ("GET", "/clients?limit=501", None, 422, "refused", "limit"),
        ("GET", "/clients?colour=red", None, 422, "refused", "colour"),
        ("GET", "/clients?limit=1&limit=2", None, 422, "refused", None),
        ("GET", "/clients?cursor=x", None, 422, "refused", None),
        ("GET", "/clients?cursor=0:99999999999999999999999", None, 422, "refused", None),
        ("GET", "/audit?cursor=99999999999999999999-1", None, 422, "refused", None),
        ("GET", "/grants", None, 422, "refused", "user"),
        ("GET", "/users/nobody", None, 404, "not_found", None),
        ("POST", "/clients/nobody/disable", None, 404, "not_found", None),
        ("DELETE", "/sessions/x", None, 404, "not_found", None),
        ("GET", "/nothing", None, 404, "no_such_path", None),
        ("DELETE", "/clients", None, 405, "method_not_allowed", None),
        ("GET", "/users/nobody/", None, 404, "no_such_path", None),
        ("GET", "/audit?cursor=-1", None, 422, "refused", None),
        ("POST", "/users", [], 400, "malformed", None),
        ("POST", "/users", {"username": "x" * 70_000}, 413, "too_large", None),
        ("POST", "/codes", {"client": "nobody", "user": "nobody"}, 404, "not_found", None),
    ],
)
async def test_a_fault_is_named(
    world: World, method: str, path: str, body: Any, status: int, code: str, member: str | None
) -> None:
    async with operating(world.redis.url) as operator:
        told = await operator(method, path, body, status=status)
        assert (told["code"], told["status"], told["type"]) == (code, status, f"urn:mintmark:problem:{code}")
        assert told["title"]
        assert told["detail"]
        assert member is None or [fault["member"] for fault in told["faults"]] == [member]


async def test_every_fault_is_told_at_once(world: World) -> None:
    async with operating(world.redis.url) as operator:
        told = await operator("POST", "/clients", {"client_id": "a b", "refresh_grace": 301}, status=422)
        assert {fault["member"] for fault in told["faults"]} == {"client_id", "refresh_grace"}


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Content-Type": "text/plain"}, b'{"username": "bob"}', 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"username=bob", 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"x", 415),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b'{"username": "\xff"}', 400),
        ({"Content-Type": "application/json"}, b"[" * 30_000, 400),
    ],
)
async def test_what_is_no_json_is_refused(world: World, headers: dict[str, str], data: bytes, status: int) -> None:
    async with operating(world.redis.url) as operator:
        authorized = {"Authorization": f"Bearer {operator.token}", **headers}
        response = await operator.http.post("/admin/v1/users", data=data, headers=authorized)
        assert response.status == status
        assert response.content_type == "application/problem+json"


async def test_redis_away_is_503(proxy: CuttingProxy) -> None:
    """P7."""
    async with operating(proxy.url) as operator:
        await operator("POST", "/users", {"username": "alice"}, status=201)
        proxy.shorten(operator.issuer.store.connection.address)
        proxy.refuse()
        proxy.drop()
        for method, path in (("GET", "/users/alice"), ("DELETE", "/users/alice")):
            response = await operator.send(method, path)
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
            assert (await response.json(content_type=None))["code"] == "temporarily_unavailable"
        proxy.heal()
        assert (await operator("GET", "/users/alice", status=200))["enabled"]


async def test_what_nobody_foresaw_is_an_incident_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    async with operating(world.redis.url) as operator:
        monkeypatch.setattr(type(operator.issuer.store.users), "get", broken)
        told = await operator("GET", "/users/alice", status=500)
        assert "hunter2" not in str(told)
        (record,) = [record for record in caplog.records if record.message == "incident"]
        assert record.incident == told["incident"]  # type: ignore[attr-defined]


async def test_thousands_of_faults_are_one(world: World) -> None:
    """What is told is not many times as long as what was sent."""
    async with operating(world.redis.url) as operator:
        for path, body, member in (
            ("/clients", {"client_id": "a", "scopes": [0] * 20_000}, "scopes"),
            ("/clients", {"client_id": "a", "properties": [0] * 20_000}, "properties"),
            ("/users", {"username": "a", "claims": {f"\n{number}": 0 for number in range(5000)}}, "claims"),
        ):
            told = await operator("POST", path, body, status=422)
            assert told["faults"] == [{"member": member, "text": "has more than 2000 items"}]


@pytest.mark.parametrize("depth", [10, 11, 240, 252, 255, 900])
async def test_what_is_taken_can_be_told_again(world: World, depth: int) -> None:
    """Nobody makes a list unreadable by what they put into one of its rows."""
    nested = orjson.loads(b"[" * depth + b"]" * depth)
    async with operating(world.redis.url) as operator:
        status = 201 if depth <= 10 else 422
        await operator("POST", "/users", {"username": "bob", "claims": {"x": nested}}, status=status)
        await operator("POST", "/clients", WEB | {"properties": [{"name": "p", "value": nested}]}, status=status)
        for path in ("/users", "/clients"):
            await operator("GET", path, status=200)


# pages


async def test_lists_come_in_pages(world: World) -> None:
    async with operating(world.redis.url) as operator:
        for number in range(30):
            await operator("POST", "/users", {"username": f"user-{number}"}, status=201)
        seen, cursor, pages = set(), "", 0
        while pages == 0 or cursor:
            page = await operator("GET", f"/users?limit=1&cursor={cursor}", status=200)
            seen |= {user["username"] for user in page["users"]}
            cursor, pages = page["cursor"], pages + 1
        assert seen == {f"user-{number}" for number in range(30)}
        assert pages > 1


async def test_sessions_of_a_user_come_in_pages(world: World) -> None:
    async with operating(world.redis.url) as operator:
        await operator("POST", "/users", {"username": "alice"}, status=201)
        alice = Person("alice", "alice")
        signed = [await sessions.sign_in(operator.issuer, alice, None, amr=("pwd",)) for _ in range(5)]
        made = {one.session.sid for one in signed}
        seen, cursor = [], ""
        for _ in range(3):
            page = await operator("GET", f"/users/alice/sessions?limit=2&cursor={cursor}", status=200)
            seen += [session["sid"] for session in page["sessions"]]
            cursor = page["cursor"]
        assert (set(seen), len(seen), cursor) == (made, 5, "")


async def test_dead_grants_without_an_end_are_swept_in_pages(world: World) -> None:
    """P4: what `revoke` and `delete` leave is freed by as many bounded calls as it takes."""
    never = {"refresh_idle_lifetime": 0, "refresh_absolute_lifetime": 0}
    async with operating(world.redis.url) as operator:
        made = await operator("POST", "/clients", {**WEB, **never}, status=201)
        client = await operator.issuer.store.clients.read("web")
        assert client
        for subject in ("alice", "bob", "carol"):
            code = await world.code(client, subject=subject)
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": WEB["redirect_uris"][0]}
            assert (await world.post("/token", form, "web", made["client_secret"])).status == 200
        assert (await operator("POST", "/clients/web/sweep", {}, status=200)) == {"grants": 0, "cursor": ""}
        ended = await operator("POST", "/clients/web/disable", status=200)
        assert (await operator("POST", "/clients/web/sweep", {}, status=200))["grants"] == 0, "disabled is not ended"
        ended = await operator("DELETE", "/clients/web", status=200)
        assert ended["needs_sweep"] is True
        assert (await operator("POST", "/clients/web/sweep", {}, status=200)) == {"grants": 3, "cursor": ""}
