"""The files of examples/deploy are what the programs that read them take."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import promql_parser
import pytest
import yaml  # type: ignore[import-untyped]

from service.settings import Settings, load
from service.settings.redis_url import parse

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
UNIT = (DEPLOY / "mintmark.service").read_text()
MASTER_KEY = "0123456789abcdef0123456789abcdef"


def test_every_file_is_in_the_list() -> None:
    listed = set(re.findall(r"\]\((\S+?)\)", (DEPLOY / "README.md").read_text()))
    assert {path.name for path in DEPLOY.iterdir()} - {"README.md"} <= listed


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here: apt-get install systemd")
    unit = tmp_path / "mintmark.service"
    unit.write_text(UNIT.replace("/opt/mintmark/bin/mintmark", sys.executable))
    done = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    security = [program, "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]
    done = subprocess.run(security, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_unit_stops_as_patiently_as_the_service_drains() -> None:
    patience = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert patience is not None
    settings = tomllib.loads((DEPLOY / "mintmark.toml").read_text())
    assert int(patience[1]) > settings["drain_delay"] + settings["drain_seconds"] + 5, "workers get 5 more"


def test_the_settings_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as the unit has them read: the file, and a folder with its credentials."""
    for name in re.findall(r"^LoadCredential=(\w+):", UNIT, re.MULTILINE):
        (tmp_path / name).write_text(MASTER_KEY)
    variables = dict(re.findall(r"^Environment=(\w+)=(\S+)$", UNIT, re.MULTILINE))
    assert variables.pop("MINTMARK_SECRETS_DIR") == "%d"
    assert variables.pop("MINTMARK_CONFIG") == "/etc/mintmark/mintmark.toml"
    monkeypatch.setenv("MINTMARK_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("MINTMARK_CONFIG", str(DEPLOY / "mintmark.toml"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.openid
    assert settings.redis_username == "mintmark"
    assert parse(settings.redis_url)


def test_compose_says_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    variables = compose["services"]["mintmark"]["environment"]
    folder = variables.pop("MINTMARK_SECRETS_DIR")
    assert folder == "/run/secrets", "where Compose puts secrets"
    assert variables.pop("MINTMARK_REQUIRED").split(",") == list(compose["secrets"])
    assert {name.removeprefix("MINTMARK_").lower() for name in variables} <= set(Settings.model_fields)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load().redis_password is not None
    assert f">{variables['MINTMARK_REDIS_PASSWORD']} " in (DEPLOY / "users.acl").read_text()


def test_prometheus_takes_the_rules_and_gives_them_their_labels() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    (job,) = scraped["scrape_configs"]
    (target,) = job["static_configs"]
    assert scraped["rule_files"] == ["prometheus-rules.yml"]
    labels = f'namespace="{target["labels"]["namespace"]}",job="{job["job_name"]}"'
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())
    found = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len(found) > 10
    for rule in found:
        promql_parser.parse(rule["expr"])
        assert labels in rule["expr"], rule["alert"]
