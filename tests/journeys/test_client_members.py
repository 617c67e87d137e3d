"""Every member of client metadata is set and read back by each view that may set it, over HTTP and by the command itself."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.admin import clients
from service.admin.client_input import ClientInput
from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.protocol.client_metadata import REGISTERED, ROWS
from tests.cli.command_line import ROOT
from tests.client_members import (
    ALONE,
    APART,
    BASE,
    URL,
    edited,
    full,
    in_console,
    mintmark,
    options,
    plain,
    registered,
    typed,
)
from tests.console import Operator, operators_port, text_of
from tests.deciding import API_KEY, API_SECRET, Backend, backend
from tests.redis_shapes import Shape
from tests.world import World, basic, in_process, settings_for

SETTINGS: dict[str, Any] = {
    "registration_authorization_details_types": [URL],
    "authorization_details_types": {URL: {}},
    "pairwise_salt": "s" * 32,
    "signing_algorithms": ("RS256",),
    "master_key": "m" * 40,
    "encryption_algorithms": ("RSA-OAEP",),
    "fetch_private_addresses": True,
    "registration": "open",
    "registration_grant_types": ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    "registration_response_types": ("code", "none"),
    "response_types": ("code", "none"),
    "registration_scopes": ("openid", "read"),
    "scopes": {"read": "Read"},
}
SET = full()
BY_CLIENT = {name: value for name, value in SET.items() if ROWS[name].registered}


@pytest.fixture
async def served(redis: Shape) -> AsyncIterator[World]:
    async with open_issuer(settings_for(redis.url, **SETTINGS)) as issuer, in_process(issuer) as http:
        yield World(issuer, http, redis)


async def members_of(world: World, client_id: str = "app") -> dict[str, Any]:
    """The members of a client as its record has them."""
    described = clients.describe(await clients.get_client(world.issuer, client_id))
    return {name: plain(described[name]) for name in SET}


async def plain_client(world: World) -> None:
    await clients.create_client(world.issuer, ClientInput.read({"client_id": "app", **BASE}))


def environment() -> dict[str, str]:
    """The settings, for a command of its own."""
    told = {
        name: value if isinstance(value, str) else json.dumps(value, default=list) for name, value in SETTINGS.items()
    }
    return {f"MINTMARK_{name.upper()}": text for name, text in told.items()}


@asynccontextmanager
async def admin_api(world: World) -> AsyncIterator[Any]:
    """The admin API, asked for a client."""
    token = "t" * 43
    settings = settings_for(world.redis.url, admin_port=0, admin_tokens={"ci": token}, **SETTINGS)
    application = make_application(replace(world.issuer, settings=settings), Health(world.issuer))
    async with TestClient(TestServer(application)) as http:

        async def ask(method: str, body: dict[str, Any] | None = None) -> Any:
            headers = {"Authorization": f"Bearer {token}"} | ({} if method == "GET" else {"If-Match": "*"})
            response = await http.request(method, "/admin/v1/clients/app", json=body, headers=headers)
            told = await response.json()
            assert response.status == 200, told
            return told

        yield ask


async def described_to(caller: Backend) -> dict[str, Any]:
    """The client as the decision API gives it."""
    response = await caller.http.get("/api/client/get/app", headers=basic(API_KEY, API_SECRET))
    told: dict[str, Any] = await response.json()
    assert response.status == 200, told
    return told


def test_no_member_is_left_out() -> None:
    assert set(SET) | APART == set(ROWS)
    assert not [name for name, value in SET.items() if plain(ROWS[name].default) == plain(value)]


@pytest.mark.slow
async def test_the_command_line_sets_every_member(served: World) -> None:
    await plain_client(served)
    await mintmark(served.redis.url, "client", "update", "app", *options(SET), **environment())
    assert await members_of(served) == SET
    shown = await mintmark(served.redis.url, "client", "show", "app")
    assert {name: shown[name] for name in SET} == SET


async def test_the_admin_api_sets_every_member(served: World) -> None:
    await plain_client(served)
    async with admin_api(served) as ask:
        await ask("PATCH", SET)
        assert await members_of(served) == SET
        shown = await ask("GET")
    assert {name: shown[name] for name in SET} == SET


async def test_the_console_sets_every_member(served: World) -> None:
    await plain_client(served)
    async with operators_port(served, **SETTINGS) as port:
        alice = Operator(served, port)
        await alice.sign_in()
        shown = await edited(alice, "app", **typed(SET))
        assert "Saved." in text_of(shown), text_of(shown)
        assert await members_of(served) == SET
        shown = await alice.get("/console/client/edit", id="app")
    assert {name: plain(value) for name, value in in_console(shown).items() if name in SET} == SET


async def test_a_client_registers_every_member_that_it_may(served: World) -> None:
    response = await served.http.post("/register", json=registered(BY_CLIENT))
    made = await response.json()
    assert (response.status, made.get("left_out")) == (201, None), made
    assert {
        name: value for name, value in (await members_of(served, made["client_id"])).items() if name in BY_CLIENT
    } == (BY_CLIENT)
    path = made["registration_client_uri"].removeprefix(served.issuer.url)
    bearer = {"Authorization": f"Bearer {made['registration_access_token']}"}
    read = await (await served.http.get(path, headers=bearer)).json()
    assert {name: read[name] for name in registered(BY_CLIENT)} == registered(BY_CLIENT)
    assert set(read) & set(ROWS) <= set(REGISTERED), "nothing that only operators set is shown"


async def test_the_decision_api_sets_every_member_that_it_knows(served: World) -> None:
    await plain_client(served)
    known = {row.name for row in ROWS.values() if row.member.authlete} - APART - {"properties"}
    async with backend(served, **SETTINGS) as caller:
        await clients.update_client(served.issuer, "app", {name: SET[name] for name in known})
        told = await described_to(caller)
        for name in known:
            where = told
            for part in ROWS[name].member.authlete.split("."):
                assert part in where, name
                where = where[part]
        await clients.update_client(served.issuer, "app", dict.fromkeys(known) | BASE)
        written = plain(told) | {"clientIdAlias": "other", "pkceS256Required": False}
        await caller.answer("/client/update/app", **written)
    members = await members_of(served)
    stays = {"allow_plain_pkce"}  # weaker by a word that is left out it never becomes
    assert {name: members[name] for name in known - stays} == {name: SET[name] for name in known - stays}


async def listed(_: web.Request) -> web.Response:
    """What a sector_identifier_uri leads to."""
    return web.json_response(BASE["redirect_uris"])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(APART))
async def test_members_that_stand_alone_are_set_by_each_view(served: World, name: str) -> None:
    uris = web.Application()
    uris.router.add_get("/list", listed)
    async with TestServer(uris) as theirs, operators_port(served, **SETTINGS) as port:
        url = str(theirs.make_url("/list")) if name == "sector_identifier_uri" else ALONE[name]
        await plain_client(served)
        await mintmark(served.redis.url, "client", "update", "app", *options({name: url}), **environment())
        assert (await mintmark(served.redis.url, "client", "show", "app"))[name] == url
        async with admin_api(served) as ask:
            assert (await ask("PATCH", {name: None}))[name] is None
            assert (await ask("PATCH", {name: url}))[name] == url
            await ask("PATCH", {name: None})
        alice = Operator(served, port)
        await alice.sign_in()
        await edited(alice, "app", **{name: url})
        assert in_console(await alice.get("/console/client/edit", id="app"))[name] == url
        made = await (await served.http.post("/register", json=BASE | {name: url})).json()
        assert made.get(name) == (url if ROWS[name].registered else None)
        async with backend(served, **SETTINGS) as caller:
            told = await described_to(caller)
            assert told.get(ROWS[name].member.authlete) == (url if ROWS[name].member.authlete else None)
            await caller.answer("/client/update/app", **plain(told))
        assert getattr(await clients.get_client(served.issuer, "app"), name) == url


COPIED = shutil.ignore_patterns("__pycache__", "node_modules", "releases", ".*")
ROW = '    throw_away: bool = _row(False, _MAY, "Throw away", "It is there.", registered=SAME, authlete="throwAway")\n'


@pytest.mark.slow
def test_a_row_and_a_field_of_the_record_are_a_member_in_every_view(tmp_path: Path) -> None:
    """In a copy of the service these tests are run again, which go through the table."""
    for folder in ("service", "tests", "guard"):
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=COPIED)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    _insert(tmp_path / "service/protocol/client_metadata.py", "    # fmt: on\n", ROW)
    _insert(tmp_path / "service/records/client.py", "    consents_since:", "    throw_away: bool = False\n")
    chosen = (
        "tests/protocol/test_client_metadata.py",
        "tests/journeys/test_client_members.py",
        "-k",
        "(every_member or record or thrown_away) and not a_row_and_a_field",
    )
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen)
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"THROW_AWAY": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]


def _insert(path: Path, before: str, line: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, line + before))


def test_a_row_that_is_thrown_away_is_looked_at() -> None:
    """The copy of the test above is what runs there."""
    assert ("throw_away" in SET) == bool(os.environ.get("THROW_AWAY"))
