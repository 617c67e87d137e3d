"""The audit log: no act of an operator goes without a trace, whatever fails, and no trace holds a secret."""

import ast
import asyncio
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from service.admin import audit, client_ending, clients, users
from service.admin.actor import Actor, acting
from service.admin.audit import AuditFilter
from service.admin.audit_actions import ACTIONS
from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput, NotFound
from service.admin.users import UserInput
from service.app import open_issuer
from service.protocol.errors import TemporarilyUnavailable
from service.records.audit_entry import AuditEntry, Result, Way
from tests.cutting_proxy import CuttingProxy
from tests.world import World, settings_for

ADMIN = Path(audit.__file__).parent
ALICE = Actor("alice", Way.CONSOLE, "192.0.2.7")
READS = {
    *(
        "get_client",
        "list_clients",
        "get_user",
        "get_account",
        "list_users",
        "get_grant",
        "list_of_user",
        "list_of_client",
    ),
    *(
        *("hints", "hints_on_names"),
        "describe",
        "inspect",
        "explain",
        "try_hook",
        "keep_counting",
        "list_issued",
        "count_grants",
        "count_everything",
        "get_resource",
        "get_trust",
        "list_sessions",
        "get_session",
        "open_by_id_token",
        "list_resources",
        "list_trusts",
        "list_entries",
        "list_new",
        "check_profile",
        "preview_client",
        "check_surroundings",
        "named_by",
        "list_of_subject",
        "list_of_client_id",
        "get",
        "list_refused",
        "list_hooks",
        "list_keys",
        "list_scopes",
        "newest_first",
    ),
}
"""Functions that change nothing."""
OTHERS = {
    *("number_of", "find_client", "forget_number"),  # numbers of clients in the decision API, made when first asked for
    *("keep_sums", "write_sums"),  # the log itself
    "write_refused",  # what the service refused by itself
    *("update_token", "update_grant", "end_token", "end"),  # what audited ones are made of, or make of them
    *("place_taken", "keep_counting"),  # of clients of strangers
    *("register", "open_registered", "replace", "initial_access_token_spent", "set_registration"),  # clients themselves
    *(
        "change_client",
        "make_secret",
        "renew",
        "sweep_client",
    ),  # what audited ones are made of, or make of them
}


async def entries(world: World, **wanted: object) -> list[AuditEntry]:
    """The log, the newest in front."""
    page = await audit.list_entries(world.issuer, AuditFilter(**wanted))
    return [placed.entry for placed in page.rows]


def holding(text: bytes) -> Callable[[list[bytes]], bool]:
    """Commands that hold this text."""
    return lambda command: any(word.endswith(text) for word in command)


def client_input(client_id: str = "web") -> ClientInput:
    return ClientInput.read({"client_id": client_id, "grant_types": ["client_credentials"]})


def test_no_function_that_changes_something_is_forgotten() -> None:
    """Whoever adds one to the room says here, or by @audited, what it is."""
    forgotten = []
    for path in ADMIN.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                marked = any(isinstance(one, ast.Call) and one.func.id == "audited" for one in node.decorator_list)  # type: ignore[attr-defined]
                if not marked and node.name not in READS | OTHERS:
                    forgotten.append(f"{path.name}: {node.name}")
    assert not forgotten


async def test_an_act_is_written_down_with_all_that_matters(world: World) -> None:
    with acting(ALICE):
        await clients.create_client(world.issuer, client_input())
        await clients.update_client(world.issuer, "web", {"name": "The Web", "scopes": ["read"]})
    changed, created = await entries(world)
    assert (created.actor, created.way, created.address) == ALICE
    assert (created.action, created.targets, created.result) == ("client.create", ("client:web",), Result.OK)
    assert (changed.action, changed.changed, changed.why) == ("client.update", ("name", "scopes"), "")
    assert abs(changed.at / 1000 - world.issuer.clock()) < 60
    assert "The Web" not in str(changed)


async def test_an_act_made_of_others_is_one_act(world: World) -> None:
    """Deleting a user disables them first."""
    await world.user("bob")
    with acting(ALICE):
        await users.delete_user(world.issuer, "bob")
        await client_ending.revoke_client(world.issuer, (await world.client("web")).client_id)
    assert [entry.action for entry in await entries(world)] == ["client.revoke", "user.delete"]


async def test_what_is_refused_is_written_down_with_the_reason(world: World) -> None:
    with acting(ALICE), pytest.raises(NotFound):
        await users.disable_user(world.issuer, "nobody")
    (entry,) = await entries(world)
    assert (entry.result, entry.targets) == (Result.REFUSED, ("user:nobody",))
    assert entry.why.startswith("there is no user 'nobody'")


async def test_what_breaks_off_is_written_down_without_the_exception_text(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a secret: hunter2")

    await world.user("bob")
    monkeypatch.setattr(type(world.issuer.store.users), "save", broken)
    with acting(ALICE), pytest.raises(RuntimeError):
        await users.enable_user(world.issuer, "bob")
    (entry,) = await entries(world)
    assert (entry.result, entry.why) == (Result.FAILED, "RuntimeError")


async def test_no_secret_and_no_value_is_in_the_log(world: World) -> None:
    with acting(ALICE):
        made = await clients.create_client(world.issuer, client_input(), "an-imported-secret")
        made = await clients.rotate_secret(world.issuer, made.client.client_id)
        await users.create_user(world.issuer, UserInput.read({"username": "bob"}), "wonderland")
        await users.set_password(world.issuer, "bob", "looking-glass")
        await users.update_user(world.issuer, "bob", {"email": "bob@example.com"})
    written = str(await world.issuer.store.connection.execute("mm:{audit}", "XRANGE", "mm:{audit}", "-", "+"))
    assert written.count("user.") == 3
    for secret in ("an-imported-secret", made.secret or "mm_cs", "wonderland", "looking-glass", "bob@example.com"):
        assert secret not in written
    assert "email" in written


async def test_what_no_operator_does_is_not_in_the_log(world: World) -> None:
    await clients.create_client(world.issuer, client_input())
    assert await entries(world) == []


async def test_many_actors_at_once_are_not_mixed_up(world: World) -> None:
    async def create(name: str) -> None:
        with acting(Actor(name, Way.ADMIN_API)):
            await clients.create_client(world.issuer, client_input(name))

    names = [f"operator-{number}" for number in range(20)]
    await asyncio.gather(*map(create, names))
    found = await entries(world)
    assert {entry.actor for entry in found} == set(names)
    assert all(entry.targets == (f"client:{entry.actor}",) for entry in found)


# the list


async def test_the_log_is_paged_and_filtered(world: World) -> None:
    with acting(ALICE):
        for number in range(7):
            await clients.create_client(world.issuer, client_input(f"c{number}"))
    with acting(Actor("bob", Way.CLI)):
        await client_ending.disable_client(world.issuer, "c3")
    seen, cursor = [], ""
    while True:
        page = await audit.list_entries(world.issuer, cursor=cursor, limit=3)
        seen += [placed.entry.targets[0] for placed in page.rows]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [f"client:c{number}" for number in (3, 6, 5, 4, 3, 2, 1, 0)]
    assert len(await entries(world, actor="alice")) == 7
    assert len(await entries(world, action="client")) == 8
    assert len(await entries(world, action="client.disable", target="client:c3")) == 1
    assert len(await entries(world, target="c3")) == 2
    assert await entries(world, since=int(world.issuer.clock()) + 3600) == []
    with pytest.raises(InvalidInput):
        await audit.list_entries(world.issuer, cursor="(+")
    for first in ("0-0", "00-0"):
        assert await audit.list_entries(world.issuer, cursor=first) == ([], "")


async def test_new_entries_are_followed(world: World) -> None:
    with acting(ALICE):
        page = await audit.list_new(world.issuer, "")
        assert (page.rows, page.cursor) == ([], "0-0")
        await clients.create_client(world.issuer, client_input("a"))
        page = await audit.list_new(world.issuer, page.cursor)
        assert [placed.entry.targets for placed in page.rows] == [("client:a",)]
        assert (await audit.list_new(world.issuer, page.cursor)) == ([], page.cursor)


async def test_the_log_has_a_length(any_world: World) -> None:
    """Redis trims whole nodes of the stream, so it is about the length."""
    issuer = any_world.issuer
    issuer.store.audit._length = 100
    with acting(ALICE):
        await clients.create_client(issuer, client_input())
    entry = (await entries(any_world))[0]
    for number in range(500):
        await issuer.store.audit.write(AuditEntry(f"{number}", 0, entry.actor, entry.way, "", "client.update"))
    kept = await issuer.store.connection.execute("mm:{audit}", "XLEN", "mm:{audit}")
    assert 100 <= kept < 300


# where something fails


async def test_nothing_is_done_that_cannot_be_written_down(world: World, proxy: CuttingProxy) -> None:
    await world.user("bob")
    async with open_issuer(settings_for(proxy.url), listen=False) as issuer:
        proxy.shorten(issuer.store.connection.address)
        proxy.cut_before(holding(b":begun"), times=1000)
        with acting(ALICE), pytest.raises(TemporarilyUnavailable):
            await users.delete_user(issuer, "bob")
    assert (await users.get_user(world.issuer, "bob")).enabled
    assert await entries(world) == []


async def test_an_act_whose_entries_had_to_be_sent_again_is_there_once(world: World, proxy: CuttingProxy) -> None:
    """P3: Redis wrote, and the reply got lost, of both entries."""
    async with open_issuer(settings_for(proxy.url), listen=False) as issuer:
        proxy.cut_after(holding(b":begun"))
        proxy.cut_after(holding(b":ok"))
        with acting(ALICE):
            await clients.create_client(issuer, client_input())
    assert proxy.cuts["after"] == 2
    assert [entry.result for entry in await entries(world)] == [Result.OK]


async def test_an_outcome_that_redis_does_not_take_leaves_begun_and_an_error_in_our_log(
    world: World, proxy: CuttingProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret of the client is in the answer, so it is answered."""
    async with open_issuer(settings_for(proxy.url), listen=False) as issuer:
        proxy.shorten(issuer.store.connection.address)
        with acting(ALICE), caplog.at_level(logging.ERROR):
            proxy.cut_before(holding(b":ok"), times=1000)
            made = await clients.create_client(issuer, client_input())
    assert made.secret
    (entry,) = await entries(world)
    assert entry.result is Result.BEGUN
    (record,) = [record for record in caplog.records if record.message == "audit_outcome_not_written"]
    told = json.loads(record.entry)  # type: ignore[attr-defined]
    assert (told["act"], told["result"]) == (entry.act, "ok")
    assert made.secret not in str(told)


async def test_an_entry_that_is_sent_again_is_written_once(world: World) -> None:
    """P3: the reply was lost, not the command."""
    entry = AuditEntry("act", 1, "alice", Way.CLI, "", "client.update")
    place = await world.issuer.store.audit.write(entry)
    assert await world.issuer.store.audit.write(entry) == place
    assert len(await entries(world)) == 1


# the file


async def test_the_file_has_a_line_an_act_and_may_be_rotated_away(world: World, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with open_issuer(settings_for(world.redis.url, audit_file=path), listen=False) as issuer:
        with acting(ALICE):
            await clients.create_client(issuer, client_input("a"))
            path.rename(tmp_path / "audit.jsonl.1")
            await clients.create_client(issuer, client_input("b"))
            with pytest.raises(NotFound):
                await clients.get_client(issuer, "c")
            with pytest.raises(NotFound):
                await client_ending.disable_client(issuer, "c")
    (first,) = map(json.loads, (tmp_path / "audit.jsonl.1").read_text().splitlines())
    second, third = map(json.loads, path.read_text().splitlines())
    assert (first["targets"], first["result"]) == (["client:a"], "ok")
    assert (second["targets"], third["result"]) == (["client:b"], "refused")
    assert path.stat().st_mode & 0o007 == 0


async def test_nothing_is_done_while_the_file_cannot_be_opened(world: World, tmp_path: Path) -> None:
    settings = settings_for(world.redis.url, audit_file=tmp_path / "no" / "folder")
    async with open_issuer(settings, listen=False) as issuer:
        with acting(ALICE), pytest.raises(TemporarilyUnavailable):
            await clients.create_client(issuer, client_input("a"))
        with pytest.raises(NotFound):
            await clients.get_client(issuer, "a")


def test_every_action_can_be_filtered_by() -> None:
    """A filter refuses what is no action: the list that it knows has those of every module, and no other."""
    sources = "".join(path.read_text() for path in ADMIN.parent.rglob("*.py"))
    assert set(re.findall(r'(?:@audited\(\s*|count_act\(issuer, )"([a-z_.]+)"', sources)) == set(ACTIONS)
