"""``mintmark login``: a device client of this service and of any other, by discovery alone."""

import asyncio
import json
import os
import re
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.app import open_issuer
from service.cli.device_flow import DeviceClient, DeviceServer, ShownCode, discover, sign_in
from service.cli.exits import LoginFailedError
from service.cli.login import _subject, keep_privately
from tests.cli.command_line import ROOT
from tests.devices import connect, device_client, enter
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import SECRET, World, in_process, settings_for


@pytest.fixture
async def site(redis: Shape) -> AsyncIterator[World]:
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", device_poll_interval=1)
    async with open_issuer(settings, listen=False) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await device_client(world, "cli", name="The CLI")
        yield world


async def start(folder: Path, *arguments: str, stdin: bytes = b"") -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        "login",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "XDG_CONFIG_HOME": str(folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(stdin)
    process.stdin.close()
    return process


async def code_of(process: asyncio.subprocess.Process) -> str:
    """The code that it shows; what stands before it is lost."""
    assert process.stderr
    async with asyncio.timeout(PATIENCE):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(r"Enter +(\S+)", line):
                return found[1]
    raise AssertionError("it ended without a code")


async def test_signing_in_keeps_the_tokens_in_a_file_of_ones_own(site: World, tmp_path: Path) -> None:
    process = await start(tmp_path, site.issuer.url, "--client-id", "cli", "--scope", "openid read")
    await connect(Person(site), await code_of(process))
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, out) == (0, b"")
    (place,) = (tmp_path / "mintmark").iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    kept = json.loads(place.read_bytes())
    assert (kept["issuer"], kept["client_id"], kept["token_type"]) == (site.issuer.url, "cli", "Bearer")
    assert f"Signed in as alice. The tokens are in {place}" in err.decode()
    assert kept["access_token"] not in err.decode()


async def test_for_programs_the_tokens_are_printed_and_kept_nowhere(site: World, tmp_path: Path) -> None:
    process = await start(tmp_path, site.issuer.url, "--client-id", "cli", "--scope", "read", "--json", "--qr")
    await connect(Person(site), await code_of(process))
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert json.loads(out)["scope"] == "read"
    assert not os.listdir(tmp_path)


@pytest.mark.slow
async def test_a_confidential_client_proves_itself(site: World, tmp_path: Path) -> None:
    await site.client("box", grant_types=("urn:ietf:params:oauth:grant-type:device_code",), name="The Box")
    secret = SECRET.encode() + b"\n"
    process = await start(tmp_path, site.issuer.url, "--client-id", "box", "--secret-stdin", "--json", stdin=secret)
    await connect(Person(site), await code_of(process))
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert "access_token" in json.loads(out)


@pytest.mark.slow
async def test_a_no_ends_it(site: World, tmp_path: Path) -> None:
    process = await start(tmp_path, site.issuer.url, "--client-id", "cli")
    person = Person(site)
    await person.submit(await enter(person, await code_of(process)), decision="deny")
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, out) == (1, b"")
    assert "You said no" in err.decode()
    assert not os.listdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--client-id", "nobody"), "The server refuses: invalid_client"),
        (("--client-id", "cli", "--scope", "other"), "The server refuses: invalid_scope"),
    ],
)
async def test_what_the_server_refuses_is_said(
    site: World, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    process = await start(tmp_path, site.issuer.url, *arguments)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 1
    assert told in err.decode()


async def test_a_client_that_has_a_secret_is_told_how_to_give_it(site: World, tmp_path: Path) -> None:
    await site.client("box", grant_types=("urn:ietf:params:oauth:grant-type:device_code",), name="The Box")
    process = await start(tmp_path, site.issuer.url, "--client-id", "box")
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 1
    assert "invalid_client" in err.decode()
    assert "--secret-stdin" in err.decode()
    process = await start(tmp_path, site.issuer.url, "--client-id", "box", "--secret-stdin", stdin=b"wrong\n")
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert "--secret-stdin" not in err.decode()


async def test_a_server_that_is_not_there_has_the_exit_code_of_one(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    process = await start(tmp_path, url, "--client-id", "cli")
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 3
    assert f"{url}/.well-known/oauth-authorization-server cannot be reached: connection refused" in err.decode()


# other servers

BEGUN = {"device_code": "d", "user_code": "ABCD", "verification_uri": "https://a.example/", "expires_in": 600}


class _OtherServer:
    """Answers polls with these (status, body); what is None breaks the connection."""

    def __init__(self, answers: Sequence[tuple[int, dict[str, Any]] | None], **changes: Any) -> None:
        self.answers, self.changes = list(answers), changes
        self.metadata: dict[str, Any] = {}
        self.forms: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        origin = f"http://{request.host}"
        if request.path == "/.well-known/openid-configuration":
            endpoints = {"device_authorization_endpoint": f"{origin}/device", "token_endpoint": f"{origin}/token"}
            return web.json_response({"issuer": origin, **endpoints, **self.metadata})
        if request.path == "/device":
            return web.json_response(BEGUN | self.changes)
        if request.path != "/token":
            return web.Response(status=404)
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        found = self.answers.pop(0)
        if found is None:
            assert request.transport
            request.transport.close()
            return web.Response()
        return web.json_response(found[1], status=found[0])

    async def signed_in(self) -> tuple[dict[str, Any], list[float], list[ShownCode]]:
        pauses: list[float] = []
        shown: list[ShownCode] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        async with TestServer(application) as server, aiohttp.ClientSession() as http:
            found = await discover(http, str(server.make_url("")).rstrip("/"))
            tokens = await sign_in(http, found, DeviceClient("c"), {"scope": "s"}, shown.append, pause)
        return tokens, pauses, shown


PENDING, SLOWER = (400, {"error": "authorization_pending"}), (400, {"error": "slow_down"})
TOKENS = (200, {"access_token": "t", "token_type": "Bearer"})


async def test_any_server_is_polled_as_it_wants_to_be() -> None:
    """RFC 8628 section 3.5: 5 seconds unless it says otherwise, 5 more after each slow_down, twice as long without answer."""
    server = _OtherServer([PENDING, SLOWER, PENDING, None, (503, {}), TOKENS])
    tokens, pauses, shown = await server.signed_in()
    assert tokens["access_token"] == "t"
    assert pauses == [5, 5, 10, 10, 20, 20]
    assert (shown[0].user_code, shown[0].complete_uri) == ("ABCD", "")
    assert server.forms[0] == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "d",
        "client_id": "c",
    }


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((400, {"error": "expired_token"}), "The code has expired"),
        ((400, {"error": "access_denied"}), "You said no"),
        ((400, {"error": "x\x1b[31m", "error_description": "a\nb"}), r"The server refuses: x\\x1b\[31m: a b"),
        ((404, {}), "The server refuses: status 404"),
    ],
)
async def test_other_answers_end_it(answer: tuple[int, dict[str, Any]], told: str) -> None:
    with pytest.raises(LoginFailedError, match=told):
        await _OtherServer([PENDING, answer]).signed_in()


@pytest.mark.parametrize(
    "changes",
    [
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://a.example/\x1b[31m"},
        {"verification_uri": ""},
    ],
)
async def test_an_address_that_cannot_be_shown(changes: dict[str, str]) -> None:
    with pytest.raises(LoginFailedError, match="names no address"):
        await _OtherServer([], **changes).signed_in()


async def test_what_cannot_be_seen_in_a_code_is_spelled_out() -> None:
    _, _, shown = await _OtherServer([TOKENS], user_code="A\u202eB\n\x07").signed_in()
    assert shown[0].user_code == r"A\u202eB \x07"


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"device_authorization_endpoint": None}, "has no device authorization"),
        ({"token_endpoint": "http://198.51.100.1/token"}, "has to be an https URL"),
    ],
)
async def test_metadata_that_cannot_be_trusted(metadata: dict[str, Any], told: str) -> None:
    server = _OtherServer([])
    server.metadata = metadata
    with pytest.raises(LoginFailedError, match=told):
        await server.signed_in()


@pytest.mark.parametrize("issuer", ["http://auth.example", "ftp://a.example", "https://user:pw@a.example", "a.example"])
async def test_nothing_goes_anywhere_in_clear(issuer: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(LoginFailedError, match="has to be an https URL, or an http URL of this machine"):
            await discover(http, issuer)


def test_a_file_that_is_there_is_replaced_whole_and_loses_its_rights_for_others(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "tokens.json", tmp_path / "elsewhere"
    elsewhere.write_text("as it was")
    place.symlink_to(elsewhere)
    keep_privately(place, b"new")
    assert (place.read_bytes(), elsewhere.read_text()) == (b"new", "as it was"), "a link is not followed"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    with pytest.raises(LoginFailedError, match="cannot be written"):
        keep_privately(tmp_path / "tokens.json" / "below", b"x")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["elsewhere", "tokens.json"]


def _written(**changes: Any) -> str:
    """An ID token of another server for the client ``c``; nobody verifies its signature here."""
    claims = {"iss": "https://a.example", "aud": "c", "exp": int(time.time()) + 3600, "sub": "alice", **changes}
    return jwt.encode(claims, "k" * 32, "HS256")


def _read(id_token: str) -> str:
    server = DeviceServer("https://a.example", "https://a.example/device", "https://a.example/token", False)
    return _subject({"id_token": id_token}, server, DeviceClient("c"))


@pytest.mark.parametrize(
    ("claims", "who"),
    [({}, "alice"), ({"aud": ["x", "c"], "name": "Al\x1b[31m", "groups": ["g" * 30] * 800}, r"Al\x1b[31m")],
)
def test_who_signed_in_is_read_from_the_id_token(claims: dict[str, Any], who: str) -> None:
    assert _read(_written(**claims)) == who


@pytest.mark.parametrize("claims", [{"aud": "x"}, {"iss": "https://b.example"}, {"exp": 1}])
def test_an_id_token_of_or_for_another_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(LoginFailedError, match="another client, of another issuer, or too old"):
        _read(_written(**claims))


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda token: token + ".AA", id="a part too many"),
        pytest.param(lambda token: token.replace(".", ".\n\n\n\n", 1), id="what a decoder would pass over"),
        pytest.param(lambda token: token.rpartition(".")[0], id="no signature"),
        pytest.param(lambda token: "e30" + token, id="a header that is none"),
        pytest.param(lambda _: _written(name="n" * 64 * 1024), id="too long"),
        pytest.param(lambda _: _written(exp="soon"), id="a time that is a text"),
        pytest.param(lambda _: "e30.W10.AA", id="claims that are a list"),
    ],
)
def test_an_id_token_that_can_be_read_in_two_ways_is_none(spoilt: Callable[[str], str]) -> None:
    with pytest.raises(LoginFailedError, match="cannot be read"):
        _read(spoilt(_written()))
