"""``mintmark settings``, and what happens where settings are faulty."""

from pathlib import Path

import pytest

from service.settings import Settings
from tests.cli.command_line import CommandLine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mintmark.toml"
    path.write_text('port = 9001\ncode_lifetime = 30\nredis_password = "hunter2"\n')
    return path


def test_every_setting_is_told_with_its_value_and_origin(mintmark: CommandLine, file: Path) -> None:
    mintmark.variables |= {"MINTMARK_REDIS_URL": "redis://bob:hunter2@127.0.0.1:6379/1", "MINTMARK_CODE_LIFETIME": "90"}
    told = mintmark("--config", str(file), "settings", "--json").json
    assert list(told) == list(Settings.model_fields)
    assert all(set(row) == {"value", "source", "description"} for row in told.values())
    rows = {name: (row["value"], row["source"]) for name, row in told.items()}
    assert rows["port"] == (9001, str(file))
    assert rows["code_lifetime"] == (90, "environment")
    assert rows["drain_seconds"] == (10, "default")
    assert rows["redis_url"] == ("redis://bob:********@127.0.0.1:6379/1", "environment")
    assert rows["redis_password"] == ("********", str(file))
    assert rows["redis_sentinel_password"] == (None, "default")
    assert rows["token_paths"] == (["/token"], "default")


def test_people_get_a_table(mintmark: CommandLine, file: Path) -> None:
    mintmark.variables |= {"MINTMARK_CONFIG": str(file)}
    table = mintmark("settings").out
    lines = [line.split() for line in table.splitlines()]
    assert ["port", "9001", str(file)] in [line[:3] for line in lines]
    assert {line[0] for line in lines if line} > set(Settings.model_fields)
    assert "hunter2" not in table


@pytest.mark.parametrize(
    ("variables", "texts"),
    [
        (
            {"MINTMARK_PROT": "1", "MINTMARK_CODE_LIFETIME": "0", "MINTMARK_LOG_LEVEL": "loud"},
            [
                "MINTMARK_PROT: there is no such setting (docs/reference/settings.md has all); did you mean MINTMARK_PORT?",
                "code_lifetime: must be",
                "log_level: must be",
            ],
        ),
        ({"MINTMARK_ISSUER": "http://example.com"}, ["issuer must be https"]),
        ({"MINTMARK_CONFIG": "/nowhere.toml"}, ["there is no file /nowhere.toml"]),
        ({"MINTMARK_SECRETS_DIR": "/nowhere"}, ["there is no folder /nowhere"]),
        ({"MINTMARK_REDIS_URL": "http://127.0.0.1"}, ["redis_url: unknown scheme; use"]),
        ({"MINTMARK_REDIS_URL": "redis://127.0.0.1/x"}, ["redis_url: the database must be a number"]),
        ({"MINTMARK_REDIS_URL": "redis://127.0.0.1:x"}, ["redis_url: a port is no number"]),
        ({"MINTMARK_REDIS_URL": "redis://bob:hun/ter2@127.0.0.1"}, ["redis_url: a port is no number; write / ? #"]),
    ],
)
@pytest.mark.parametrize("command", [("settings",), ("serve",), ("client", "list")], ids=" ".join)
def test_faulty_settings_are_all_named(
    mintmark: CommandLine, command: tuple[str, ...], variables: dict[str, str], texts: list[str]
) -> None:
    mintmark.variables = variables
    done = mintmark(*command, code=4)
    for text in texts:
        assert text in done.err
    assert "ter2" not in done.err
    assert done.out == ""


@pytest.mark.parametrize("path", ["/introspect", "/login", "/jwks", "/style.css", "/readyz"])
def test_a_path_for_two_things_is_named(mintmark: CommandLine, path: str) -> None:
    mintmark.variables = {"MINTMARK_TOKEN_PATHS": f"/token,{path}"}
    assert f"token_paths: {path}: there is something else" in mintmark("settings", code=4).err


def test_the_demo_names_faulty_settings_too(mintmark: CommandLine) -> None:
    mintmark.variables = {"MINTMARK_PROT": "1", "MINTMARK_CODE_LIFETIME": "0"}
    done = mintmark("demo", "--check", code=4)
    assert "MINTMARK_PROT: there is no such setting" in done.err
    assert "code_lifetime: must be" in done.err


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8,192.168.0.0/16", ' ["10.0.0.0/8", "192.168.0.0/16"]', "10.0.0.0/8 , 192.168.0.0/16,"]
)
def test_lists_are_words_or_json(mintmark: CommandLine, text: str) -> None:
    mintmark.variables["MINTMARK_TRUSTED_PROXIES"] = text
    assert mintmark("settings", "--json").json["trusted_proxies"]["value"] == ["10.0.0.0/8", "192.168.0.0/16"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("TRUSTED_PROXIES", "nonsense", "trusted_proxies"),
        ("TRUSTED_PROXIES", "[", "trusted_proxies: write JSON into the variable"),
        ("SCOPES", "read,write", 'scopes: write JSON into the variable, such as {"read": "Read your data"}'),
    ],
)
def test_what_is_no_list_says_what_to_write(mintmark: CommandLine, name: str, text: str, told: str) -> None:
    mintmark.variables[f"MINTMARK_{name}"] = text
    assert told in mintmark("settings", code=4).err
