"""A request that is refused: named in the log by its client, counted by reason, and shown to operators for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from service.admin import refusals
from service.admin.refusals import RefusalFilter
from service.client_auth import note_claimed_client, unread_request
from service.observe.current import CURRENT, Current, current_client
from service.observe.log import configure
from service.observe.metrics import Metrics
from service.observe.refusals import MOST_A_MINUTE, MOST_OF_A_CLIENT, Refusals
from service.protocol.errors import InvalidGrant, TemporarilyUnavailable
from service.records.refused_request import RefusedRequest
from service.store.refused_requests import LENGTH, SECONDS
from tests.observe.exposition import counts
from tests.world import CALLBACK, FORM, World, basic

pytestmark = pytest.mark.usefixtures("own_log")

WRONG = "wrong-secret-of-the-test"
Ask = Callable[[World], Awaitable[ClientResponse]]


async def _replayed(world: World) -> ClientResponse:
    code = await world.code(await world.client())
    await world.redeem(code)
    for key in world.key_names(":reply:"):  # the grace in which the same request is answered again
        world.redis.primaries()[0].admin.delete(key)
    return await world.redeem(code)


async def _wrong_redirect_uri(world: World) -> ClientResponse:
    return await world.redeem(await world.code(await world.client()), redirect_uri=CALLBACK + "/")


async def _of_another_client(world: World) -> ClientResponse:
    await world.client("other")
    return await world.redeem(await world.code(await world.client("first")), "other")


async def _query(world: World, **parameters: str) -> ClientResponse:
    return await world.http.get("/authorize", params=parameters, allow_redirects=False)


async def _with_token(world: World, path: str, token: str) -> ClientResponse:
    return await world.http.get(path, headers={"Authorization": f"Bearer {token}"})


async def _registration(world: World) -> ClientResponse:
    async with world.having(registration="open", access_log_sample=1) as other:
        headers = {"Authorization": "Bearer mm_ra_x"}
        return await other.http.put("/register", params={"client_id": "app"}, json={}, headers=headers)


CASES: list[tuple[str, Ask, str, str, str, str]] = [
    ("code", lambda w: w.redeem("mm_ac_x"), "token", "invalid_grant", "code_unknown", "app"),
    ("replay", _replayed, "token", "invalid_grant", "code_replayed", "app"),
    ("redirect", _wrong_redirect_uri, "token", "invalid_grant", "redirect_uri_differs", "app"),
    ("other", _of_another_client, "token", "invalid_grant", "code_of_another_client", "other"),
    ("refresh", lambda w: w.refresh("mm_rt_x"), "token", "invalid_grant", "refresh_token_unknown", "app"),
    (
        "secret",
        lambda w: w.post("/token", {"grant_type": "client_credentials"}, "app", WRONG),
        *("token", "invalid_client", "wrong_client_secret", "app"),
    ),
    (
        "stranger",
        lambda w: w.token("nobody", grant_type="client_credentials"),
        "token",
        "invalid_client",
        "client_unknown",
        "",
    ),
    ("before", lambda w: w.post("/token", {}), "token", "invalid_request", "parameter_missing", "app"),
    (
        "form",
        lambda w: w.post("/token", {"client_id": "app"}, None),
        "token",
        "invalid_request",
        "parameter_missing",
        "app",
    ),
    ("introspect", lambda w: w.post("/introspect", {}), "introspect", "invalid_request", "parameter_missing", "app"),
    ("revoke", lambda w: w.post("/revoke", {}), "revoke", "invalid_request", "parameter_missing", "app"),
    (
        "twice",
        lambda w: w.post("/token", {"grant_type": "client_credentials", "client_id": "app", "client_secret": "x"}),
        *("token", "invalid_request", "client_auth_ambiguous", "app"),
    ),
    (
        "type",
        lambda w: w.token(grant_type="no-such"),
        "token",
        "unsupported_grant_type",
        "grant_type_unsupported",
        "app",
    ),
    (
        "scope",
        lambda w: w.token(grant_type="client_credentials", scope="admin"),
        *("token", "invalid_scope", "scope_not_allowed", "app"),
    ),
    (
        "authorize",
        lambda w: _query(w, client_id="app", redirect_uri="https://evil.example/"),
        *("authorize", "invalid_request", "redirect_uri_not_registered", "app"),
    ),
    (
        "back",
        lambda w: _query(w, client_id="app", redirect_uri=CALLBACK, response_type="no-such"),
        *("authorize", "unsupported_response_type", "response_type_unsupported", "app"),
    ),
    ("page", lambda w: _query(w, client_id="nobody"), "authorize", "invalid_request", "authorize_client_unknown", ""),
    (
        "logout",
        lambda w: w.http.get("/logout", params={"client_id": "app", "post_logout_redirect_uri": "https://x.example"}),
        *("logout", "invalid_request", "redirect_uri_not_registered", "app"),
    ),
    # what could not even be read
    (
        "repeated",
        lambda w: w.form("/token", [("scope", "a"), ("scope", "b")]),
        *("token", "invalid_request", "parameter_repeated", "app"),
    ),
    (
        "repeated-form",
        lambda w: w.http.post("/revoke", data="x=1&client_id=ap%70&x=2", headers={"Content-Type": FORM}),
        *("revoke", "invalid_request", "parameter_repeated", "app"),
    ),
    (
        "repeated-query",
        lambda w: w.http.get("/authorize?client_id=app&state=1&state=2"),
        *("authorize", "invalid_request", "parameter_repeated", "app"),
    ),
    (
        "json",
        lambda w: w.http.post("/introspect", json={"token": "x"}, headers=basic("app")),
        *("introspect", "invalid_request", "body_unreadable", "app"),
    ),
    (
        "method",
        lambda w: w.http.delete("/revoke", headers=basic("app")),
        *("revoke", "invalid_request", "method_not_allowed", "app"),
    ),
    ("registration", _registration, "register", "invalid_token", "registration_token_unusable", "app"),
    (
        "userinfo",
        lambda w: _with_token(w, "/userinfo", "mm_at_x"),
        "userinfo",
        "invalid_token",
        "access_token_unusable",
        "",
    ),
]


@pytest.mark.parametrize(
    ("ask", "endpoint", "error", "reason", "client_id"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_a_refusal_is_logged_counted_and_kept(
    world: World,
    capsys: pytest.CaptureFixture[str],
    ask: Ask,
    endpoint: str,
    error: str,
    reason: str,
    client_id: str,
) -> None:
    configure("INFO", "json")
    await world.client()
    capsys.readouterr()
    async with world.having(access_log_sample=1) as watched:
        answered = await ask(watched)
    assert answered.status in (302, 303, 400, 401, 405, 415)
    lines: list[dict[str, Any]] = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    (refused,) = [line for line in lines if line["event"] == "refused"]
    assert (refused["error"], refused["reason_code"], refused.get("client_id", "")) == (error, reason, client_id)
    asked = [line for line in lines if line["event"] == "request" and line["request_id"] == refused["request_id"]]
    assert [line.get("client_id", "") for line in asked] == [client_id]
    assert counts(world.issuer.metrics, "mintmark_refusals_total")[(endpoint, error, reason)] == 1
    await refusals.write_refused(world.issuer)
    (kept,) = (await refusals.list_refused(world.issuer, RefusalFilter(client_id=client_id, reason=reason))).rows
    assert (kept.request.endpoint, kept.request.error, kept.request.reason) == (endpoint, error, reason)
    assert (kept.request.client_id, kept.request.address) == (client_id, "127.0.0.1")
    assert kept.request.request_id == refused["request_id"]
    assert refusals.remedy_of(kept.request)


async def test_what_is_well_leaves_nothing(world: World) -> None:
    client = await world.client()
    await world.tokens(client)
    assert world.issuer.refusals.take() == []
    await refusals.write_refused(world.issuer)
    assert world.key_names("{refused}") == set()


async def test_a_client_that_does_not_exist_is_named_nowhere(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What a stranger calls himself is no label of anything."""
    configure("INFO", "json")
    await world.token("i-made-this-up", grant_type="client_credentials")
    await world.http.get("/authorize", params={"client_id": "i-made-this-up"})
    assert "i-made-this-up" not in capsys.readouterr().err
    assert {one.client_id for one in world.issuer.refusals.take()} == {""}


async def test_where_redis_is_away_it_is_not_asked_for_names(world: World) -> None:
    """What is refused for that is answered at once, not after a second wait."""
    await world.client()
    token = CURRENT.set(Current("a-request"))
    request = unread_request(b"client_id=app", None)
    await note_claimed_client(world.issuer, request, TemporarilyUnavailable(log="Redis: no answer in time"))
    assert current_client() == ""
    await note_claimed_client(world.issuer, request)
    assert current_client() == "app"
    CURRENT.reset(token)


async def test_an_alias_is_named_by_its_client(world: World) -> None:
    await world.client(alias="old-name")
    await world.http.post("/token", data={"grant_type": "x"}, headers=basic("old-name"))
    await world.http.post("/token", data={}, headers=basic("old-name"))
    assert [one.client_id for one in world.issuer.refusals.take()] == ["app", "app"]


async def test_no_credential_is_kept(world: World) -> None:
    await world.client()
    token = (await world.tokens(await world.client()))["access_token"]
    await world.token(grant_type=token)
    await world.token(grant_type="client_credentials", scope=token)
    await world.token(grant_type="client_credentials", resource=token)
    await refusals.write_refused(world.issuer)
    (found,) = [node.admin.dump(key) for node in world.redis.primaries() for key in node.admin.scan_iter("*{refused}*")]
    assert found
    assert token[10:].encode() not in found


async def test_a_flood_costs_no_more_than_a_bound(world: World) -> None:
    """However many are refused, of a minute so many are written; those of one client leave room for those of others."""
    await world.client()
    async with world.with_part(refusals=Refusals(world.issuer.metrics, lambda: 600.0)) as world:
        await asyncio.gather(*(world.token("nobody", grant_type="client_credentials") for _ in range(100)))
        await world.redeem("mm_ac_x")
    kept = world.issuer.refusals.take()
    assert [one.client_id for one in kept].count("") == MOST_OF_A_CLIENT
    assert [one.client_id for one in kept].count("app") == 1
    counted = counts(world.issuer.metrics, "mintmark_refusals_total")
    assert counted[("token", "invalid_client", "client_unknown")] == 100


def test_in_all_there_is_a_bound_too() -> None:
    now = 600.0
    kept = Refusals(Metrics(), lambda: now)
    for number in range(MOST_A_MINUTE * 2):
        _refuse(kept, f"client-{number}")
    taken = kept.take()
    assert len(taken) == MOST_A_MINUTE
    assert max(len(one.encode()) for one in taken) < 1000
    _refuse(kept, "late")
    assert kept.take() == []
    now += 60
    _refuse(kept, "late")
    assert [one.client_id for one in kept.take()] == ["late"]


def _refuse(kept: Refusals, client_id: str) -> None:
    current = Current("a-request")
    current.client_id = client_id
    token = CURRENT.set(current)
    kept.record("token", InvalidGrant("x" * 5000))
    CURRENT.reset(token)


def test_what_nobody_takes_is_bounded() -> None:
    now = 0.0
    kept = Refusals(Metrics(), lambda: now)
    for number in range(MOST_A_MINUTE * 2):
        now += 10
        _refuse(kept, f"client-{number}")
    assert len(kept.take()) == MOST_A_MINUTE


async def test_redis_keeps_a_bounded_list_that_ends(world: World) -> None:
    one = RefusedRequest(1, "token", "invalid_grant", "code_unknown", "x" * 300, "app", "2001:db8::1", "r" * 64)
    for _ in range(8):
        await world.issuer.store.refused_requests.append([one] * 500)
    (key,) = world.key_names("{refused}")
    node = next(node for node in world.redis.primaries() if node.admin.exists(key))
    assert LENGTH <= node.admin.xlen(key) <= LENGTH * 1.2
    assert 0 < node.admin.ttl(key) <= SECONDS
    assert (node.admin.memory_usage(key, samples=0) or 0) < 2 * 1024 * 1024


async def test_when_redis_is_away_refusals_go_on(world: World) -> None:
    await world.client()
    await world.redeem("mm_ac_x")
    for node in world.redis.primaries():
        node.admin.config_set("maxmemory", 1)
    try:
        await refusals.write_refused(world.issuer)  # is refused by Redis, and raises nothing
    finally:
        for node in world.redis.primaries():
            node.admin.config_set("maxmemory", 0)
    assert (await refusals.list_refused(world.issuer, RefusalFilter())).rows == []
    assert (await world.redeem("mm_ac_x")).status == 400
    await refusals.write_refused(world.issuer)
    assert len((await refusals.list_refused(world.issuer, RefusalFilter())).rows) == 1
