"""Settings and clients of each plan keep its profile by what is said of them alone; the rest follows."""

import json
import shlex
from pathlib import Path

import pytest

from service.protocol.names import Profile
from tests.as_tested import VARIABLES
from tests.cli.command_line import CommandLine
from tests.conformance.plans import PLANS, Places, write
from tests.redis_shapes import Shape

PLACES = Places("https://op.example", "https://mtls.op.example", "https://suite.example")
SECRET = "a-secret-of-an-api-0123456789-abcdefghij"
pytestmark = pytest.mark.slow
PROFILES = sorted({plan.profile for plan in PLANS})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans")
    write(folder, PLACES, SECRET)
    return folder


def settings_in(folder: Path, profile: Profile) -> dict[str, str]:
    """As a shell would read them."""
    lines = (folder / f"{profile.value}.env").read_text().splitlines()
    return dict(shlex.split(line)[1].split("=", 1) for line in lines)


def test_every_variant_has_its_configuration(folder: Path) -> None:
    listed = json.loads((folder / "plans.json").read_text())
    assert len({one["key"] for one in listed}) == len(listed) == 24
    assert len({json.dumps([one["plan"], one["variant"]]) for one in listed}) == 24
    for one in listed:
        configuration = json.loads((folder / one["config"]).read_text())
        scopes = {configuration[name]["scope"] for name in ("client", "client2")}
        assert ("openid" in scopes.pop().split()) == (one["variant"].get("openid") != "plain_oauth"), one["key"]


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_and_clients_keep_the_profile(
    profile: Profile, folder: Path, redis: Shape, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {"MINTMARK_REDIS_URL": redis.url, "MINTMARK_MASTER_KEY": "m" * 43}
    mintmark = CommandLine(monkeypatch, capsys, VARIABLES | here | settings_in(folder, profile))
    api, *others = (folder / f"{profile.value}.sh").read_text().splitlines()
    mintmark(*shlex.split(api.partition("|")[2])[1:], stdin=SECRET)
    plans = [plan for plan in PLANS if plan.profile is profile]
    assert len(others) == 2 * len(plans) > 0
    for line in others:
        mintmark(*shlex.split(line)[1:])
    for plan in plans:
        checked = mintmark("client", "check", f"{plan.key}-2", "--profile", profile.value, "--json").json
        assert checked["holds"], checked
