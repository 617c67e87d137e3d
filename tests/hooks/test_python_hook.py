"""Hooks in this process: the example package, installed by pip, and objects that misbehave."""

import asyncio
import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from service.fronts.pages.hook import load_hook
from service.hooks.python_hook import GROUP, load_entry_point
from service.settings import SettingsError
from tests.hooks.receiver import delivered, hooked
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import settings_for

EXAMPLE = Path(__file__).parents[2] / "examples" / "python_hook"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example package, where it can be imported."""
    target = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    built = tmp_path_factory.mktemp("source") / "python_hook"
    built.mkdir()
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (built / file.name).write_bytes(file.read_bytes())
    subprocess.run([*pip, "--target", str(target), str(built)], check=True, timeout=120)
    sys.path.insert(0, str(target))
    importlib.invalidate_caches()
    yield target
    sys.path.remove(str(target))
    sys.modules.pop("opening_hours", None)


def offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str) -> None:
    """A package that offers ``Hook`` of this source as the entry point ``mine``: files as pip would put them there."""
    (tmp_path / "mine.py").write_text(source)
    about = tmp_path / "mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mintmark.hooks]\nmine = mine:Hook\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)


@pytest.mark.usefixtures("installed")
async def test_the_example_package(redis: Shape) -> None:
    """IRIS GenerateAccessToken, OnRefreshAccessToken: by a package beside Mintmark, without HTTP."""
    assert metadata.version("opening-hours") == "1.0.0"
    hooks = {"opening-hours": {"entry_point": "opening-hours", "events": ["claims", "refresh"]}}
    async with hooked(redis, hooks) as world:
        tokens = await world.tokens(await world.client())
        assert tokens["shop"] == "open"
        assert (await world.introspect(tokens["access_token"]))["shop"] == "open"
        assert "shop" not in await (await world.token(grant_type="client_credentials")).json()
        assert (await world.refresh(tokens["refresh_token"])).status == 200
        closed = await world.tokens(await world.client("night-shop"))
        refused = await world.refresh(closed["refresh_token"], "night-shop")
        assert (await refused.json())["error_description"] == "We are closed. Come back in the morning."


@pytest.mark.usefixtures("installed")
async def test_a_page_hook_by_its_entry_point(redis: Shape) -> None:
    """IT-28."""
    assert load_hook("opening-hours") is not None
    async with hooked(redis, {}, page_hook="opening-hours") as world:
        await world.openid_client()
        assert (await Person(world).authorize()).headers["X-Opening-Hours"] == "9-17"


METHOD = "class Hook:\n    async def {event}(self, facts):\n        {body}\n"
BAD = {
    "raises": "raise RuntimeError('the password of the database is hunter2')",
    "is slow": "import asyncio; await asyncio.sleep(60)",
    "answers a list": "return []",
    "answers what is no JSON": "return {'id_token': {'a': object()}}",
    "answers something unknown": "return {'idtoken': {}}",
    "asks for a file that is not there": "open('/nowhere')",
    "gives up what it waited for": "import asyncio; raise asyncio.CancelledError",
    "wants to end the process": "raise SystemExit(1)",
}


@pytest.mark.parametrize("body", BAD.values(), ids=list(BAD))
@pytest.mark.parametrize(("on_failure", "status"), [("refuse", 503), ("go_on", 200)])
async def test_one_that_misbehaves_is_treated_like_a_webhook(
    redis: Shape,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    body: str,
    on_failure: str,
    status: int,
) -> None:
    """The text of its error may hold anything, and is not in our log."""
    offered(monkeypatch, tmp_path, METHOD.format(event="claims", body=body))
    hook = {"entry_point": "mine", "events": ["claims"], "timeout": 0.2, "on_failure": on_failure}
    async with hooked(redis, {"mine": hook}) as world:
        await world.client()
        assert (await world.token(grant_type="client_credentials")).status == status
    assert "hook_failed" in caplog.text
    assert "hunter2" not in caplog.text + "".join(str(vars(record)) for record in caplog.records)


async def test_what_it_does_to_the_facts_changes_nothing(
    redis: Shape, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offered(monkeypatch, tmp_path, METHOD.format(event="claims", body="facts.clear(); facts['scope'] = 'admin'"))
    hook: dict[str, Any] = {"entry_point": "mine", "events": ["claims"]}
    async with hooked(redis, {"first": hook, "second": hook}) as world:
        await world.client()
        assert (await (await world.token(grant_type="client_credentials")).json())["scope"] == "read"


async def test_it_hears_notices(
    redis: Shape, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered(monkeypatch, tmp_path, METHOD.format(event="revoked", body="print('heard of', facts['what'])"))
    async with hooked(redis, {"mine": {"entry_point": "mine", "events": ["revoked"]}}) as world:
        tokens = await world.tokens(await world.client())
        await world.revoke(tokens["refresh_token"])
        assert await delivered(world) == 1
        assert await world.issuer.store.notifications.waiting() == 0
    assert "heard of grant" in capsys.readouterr().out


async def test_one_that_gives_up_is_told_again_and_stops_no_delivery(
    redis: Shape, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Something that it waits for may be cancelled: that is its failure, and not the end of the loop that delivers."""
    offered(monkeypatch, tmp_path, METHOD.format(event="revoked", body="import asyncio; raise asyncio.CancelledError"))
    async with hooked(redis, {"mine": {"entry_point": "mine", "events": ["revoked"]}}) as world:
        tokens = await world.tokens(await world.client())
        await world.revoke(tokens["refresh_token"])
        assert await delivered(world) == 1
        assert await world.issuer.store.notifications.waiting() == 1
        world.issuer.clock.ahead = 3  # type: ignore[attr-defined]
        assert await delivered(world) == 1


async def test_who_goes_away_ends_the_question(redis: Shape, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A request that is cancelled from outside is no failure of the hook that it waits for."""
    offered(monkeypatch, tmp_path, METHOD.format(event="claims", body="import asyncio; await asyncio.sleep(60)"))
    async with hooked(redis, {"mine": {"entry_point": "mine", "events": ["claims"], "timeout": 20}}) as world:
        asking = asyncio.ensure_future(world.issuer.hooks.add_claims({}))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert world.issuer.hooks.by_name["mine"].circuit._failures == 0


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1\n", "cannot be loaded: AttributeError"),
        ("raise OSError\n", "cannot be loaded: OSError"),
        ("class Hook: pass\n", "has no method `async def claims(self, facts)`"),
        ("class Hook:\n    def claims(self, facts): return {}\n", "has no method `async def claims(self, facts)`"),
    ],
)
async def test_what_cannot_be_a_hook_is_told_at_the_start(
    redis: Shape, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, told: str
) -> None:
    offered(monkeypatch, tmp_path, source)
    with pytest.raises(SettingsError, match=r"hooks\.mine: ") as error:
        async with hooked(redis, {"mine": {"entry_point": "mine", "events": ["claims"]}}):
            pass
    assert told in str(error.value)


WEBHOOK = {"url": "https://hooks.example/h", "events": ["claims"]}
SECRET = "whsec_" + "a" * 44
WRONG = {
    "no secret": ({"a": WEBHOOK}, {}, "has no secret"),
    "a secret of nobody": ({}, {"a": SECRET}, "there is no webhook of that name"),
    "a short secret": ({"a": WEBHOOK}, {"a": "whsec_aaaa"}, "base64 of 24 to 64 bytes"),
    "a plain secret": ({"a": WEBHOOK}, {"a": "a" * 44}, "must be whsec_"),
    "three secrets": ({"a": WEBHOOK}, {"a": " ".join([SECRET] * 3)}, "one secret, or the new and the old"),
    "no events": ({"a": WEBHOOK | {"events": []}}, {"a": SECRET}, "at least 1 item"),
    "an unknown event": ({"a": WEBHOOK | {"events": ["boom"]}}, {"a": SECRET}, "'claims', 'refresh'"),
    "both": ({"a": WEBHOOK | {"entry_point": "a"}}, {"a": SECRET}, "a url, or an entry_point"),
    "neither": ({"a": {"events": ["claims"]}}, {}, "a url, or an entry_point"),
    "http": ({"a": WEBHOOK | {"url": "http://10.0.0.1/h"}}, {"a": SECRET}, "unless plain_http is true"),
    "a password": ({"a": WEBHOOK | {"url": "https://u:pw@h/"}}, {"a": SECRET}, "must not have a user name"),
    "no URL": ({"a": WEBHOOK | {"url": "file:///etc/passwd"}}, {"a": SECRET}, "must be an http(s) URL"),
    "no port": ({"a": WEBHOOK | {"url": "https://h:x/"}}, {"a": SECRET}, "hooks.a.url: its port must be a number"),
    "port 0": ({"a": WEBHOOK | {"url": "https://h:0/"}}, {"a": SECRET}, "hooks.a.url: its port must be a number"),
    "a blank": ({"a": WEBHOOK | {"url": "https://h/a b"}}, {"a": SECRET}, "hooks.a.url: must be an http(s) URL"),
    "half an address": ({"a": WEBHOOK | {"url": "https://[/"}}, {"a": SECRET}, "hooks.a.url: Invalid IPv6 URL"),
    "a bad name": ({"a b": WEBHOOK}, {"a b": SECRET}, "names are letters"),
    "longer than a lease": ({"a": WEBHOOK | {"timeout": 21}}, {"a": SECRET}, "must be at most 20"),
}


@pytest.mark.parametrize(("hooks", "secrets", "told"), WRONG.values(), ids=list(WRONG))
def test_wrong_settings_are_told(hooks: dict[str, Any], secrets: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings_for("redis://127.0.0.1", hooks=hooks, hook_secrets=secrets)
    assert told in str(error.value)
    assert "aaaaaaaa" not in str(error.value)


def test_plain_http_elsewhere_is_a_decision() -> None:
    hook = WEBHOOK | {"url": "http://hooks.default.svc/h", "plain_http": True}
    assert settings_for("redis://127.0.0.1", hooks={"a": hook}, hook_secrets={"a": SECRET}).hooks["a"].plain_http


def test_a_package_that_offers_nothing_is_told_of() -> None:
    with pytest.raises(ValueError, match="no installed package offers 'none' as an entry point"):
        load_entry_point(GROUP, "none")
