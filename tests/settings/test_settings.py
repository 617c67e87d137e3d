"""Settings: environment, file, secret files, in this order; every fault told at once and in words."""

import os
from pathlib import Path
from typing import Any

import pytest

from service.settings import SettingsError, load, origins, unknown_variables


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("MINTMARK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the environment names."""
    path = tmp_path / "mintmark.toml"
    monkeypatch.setenv("MINTMARK_CONFIG", str(path))
    return path


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets that the environment names."""
    path = tmp_path / "secrets"
    path.mkdir()
    monkeypatch.setenv("MINTMARK_SECRETS_DIR", str(path))
    return path


# where they come from


def test_the_issuer_of_a_trial_is_where_it_listens() -> None:
    assert load(port=9000).issuer == "http://127.0.0.1:9000"
    assert load(port=9000, issuer="https://mint.example").issuer == "https://mint.example"


def test_nothing_is_needed_to_begin() -> None:
    settings = load()
    assert (settings.issuer, settings.redis_url) == ("http://127.0.0.1:8080", "redis://127.0.0.1:6379/0")
    assert set(origins(settings, {}).values()) == {"default"}


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("MINTMARK_PORT", "9000", "port", 9000),
        ("mintmark_port", "9000", "port", 9000),
        ("MINTMARK_CODE_LIFETIME", "600", "code_lifetime", 600),
        ("MINTMARK_REQUIRE_PKCE", "true", "require_pkce", True),
        ("MINTMARK_TRUSTED_PROXIES", '["10.0.0.0/8"]', "trusted_proxies", ("10.0.0.0/8",)),
        ("MINTMARK_SCOPES", '{"read": "Read your data"}', "scopes", {"read": "Read your data"}),
        ("MINTMARK_UNKNOWN_SCOPE", "drop", "unknown_scope", "drop"),
    ],
)
def test_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str, expected: object
) -> None:
    """IA-06, IA-11, IA-24: lifetimes are settings like any other."""
    monkeypatch.setenv(name, value)
    settings = load()
    assert getattr(settings, setting) == expected
    assert origins(settings, {})[setting] == "environment"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mintmark.toml", 'port = 9000\n[scopes]\nread = "Read your data"\n'),
        ("mintmark.yaml", "port: 9000\nscopes:\n  read: Read your data\n"),
        ("mintmark.yml", "port: 9000\nscopes: {read: Read your data}\n"),
    ],
)
def test_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    monkeypatch.setenv("MINTMARK_CONFIG", str(path))
    settings = load()
    assert (settings.port, settings.scopes) == (9000, {"read": "Read your data"})
    assert origins(settings, {})["port"] == str(path)


def test_from_a_folder_of_secrets(secrets: Path) -> None:
    """As Docker and Kubernetes mount them."""
    (secrets / "redis_password").write_text("hunter2\n")
    settings = load()
    assert settings.redis_password is not None
    assert settings.redis_password.get_secret_value() == "hunter2"
    assert origins(settings, {})["redis_password"] == str(secrets)


def test_precedence(toml: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given, environment, file, secrets, default."""
    (secrets / "redis_username").write_text("secrets")
    (secrets / "redis_sentinel_username").write_text("secrets")
    toml.write_text('port = 1\nhost = "file"\nredis_username = "file"\n')
    monkeypatch.setenv("MINTMARK_PORT", "2")
    monkeypatch.setenv("MINTMARK_HOST", "environment")
    settings = load(port=3)
    assert (settings.port, settings.host) == (3, "environment")
    assert (settings.redis_username, settings.redis_sentinel_username) == ("file", "secrets")
    told = origins(settings, {"port": 3})
    assert (told["port"], told["host"]) == ("given", "environment")
    assert (told["redis_username"], told["redis_sentinel_username"]) == (str(toml), str(secrets))
    assert told["redis_url"] == "default"


def test_secrets_do_not_show() -> None:
    settings = load(redis_password="hunter2", redis_sentinel_password="hunter2")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())


# faults


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 70000}, "port: Input should be less than or equal to 65535"),
        ({"issuer": "mint.example"}, "issuer: must be an http(s) URL without query and fragment (RFC 8414 section 2)"),
        ({"issuer": "https://mint.example?x=1"}, "issuer: must be an http(s) URL"),
        ({"issuer": "https://mint.example#x"}, "issuer: must be an http(s) URL"),
        ({"issuer": "ftp://mint.example"}, "issuer: must be an http(s) URL"),
        ({"issuer": "http://mint.example"}, "issuer must be https, or loopback http, unless require_https is false"),
        (
            {"trusted_proxies": ("nonsense",)},
            "trusted_proxies: 'nonsense' does not appear to be an IPv4 or IPv6 network",
        ),
        ({"token_paths": ()}, "token_paths: must be one or more plain paths"),
        ({"token_paths": ("token",)}, "token_paths: must be one or more plain paths"),
        ({"token_paths": ("/token/{id}",)}, "token_paths: must be one or more plain paths"),
        ({"token_paths": ("/token?x",)}, "token_paths: must be one or more plain paths"),
        ({"code_lifetime": 0}, "code_lifetime: Input should be greater than or equal to 1"),
        ({"code_lifetime": 2**31}, "code_lifetime: Input should be less than or equal to 2147483647"),
        ({"refresh_grace": 301}, "refresh_grace: Input should be less than or equal to 300"),
        ({"refresh_idle_lifetime": -1}, "refresh_idle_lifetime: Input should be greater than or equal to 0"),
        ({"refresh_rotation": "sometimes"}, "refresh_rotation: Input should be 'always', 'public_clients' or 'never'"),
        ({"unknown_scope": "ignore"}, "unknown_scope: Input should be 'refuse' or 'drop'"),
        ({"log_level": "LOUD"}, "log_level: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ({"redis_url": "http://127.0.0.1"}, "redis_url: "),
        ({"admin_tokens": {"ann": "t" * 43, "bob": "t" * 43}}, "admin_tokens: two names have the same secret"),
        ({"decision_api_keys": {"shop": "s" * 43, "kiosk": "s" * 43}}, "decision_api_keys: two names have the same"),
        ({"prot": 8080}, "prot: there is no such setting (see `mintmark settings`)"),
    ],
)
def test_a_fault_is_told_in_words(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(**given)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_all_faults_are_told_at_once(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they are: nobody should have to start five times."""
    toml.write_text('hots = "0.0.0.0"\nredis_timeout = "soon"\n')
    monkeypatch.setenv("MINTMARK_PROT", "8080")
    monkeypatch.setenv("MINTMARK_MAX_BODY", "1")
    with pytest.raises(SettingsError) as error:
        load(port=-1)
    assert sorted(line.partition(":")[0] for line in str(error.value).splitlines()) == [
        "MINTMARK_PROT",
        "hots",
        "max_body",
        "port",
        "redis_timeout",
    ]


def test_what_does_not_go_together_and_what_cannot_be_read_is_told_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four faults that lie at four depths none hides another."""
    variables = {
        "PROT": "8080",  # no such setting
        "PORT": "many",  # a fault of its own
        "SCOPES": "{read",  # no JSON
        "ISSUER": "http://mint.example",  # does not go with require_https
        "ADMIN_KEY_FILE": "/key.pem",  # needs the other file
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"MINTMARK_{name}", value)
    with pytest.raises(SettingsError) as error:
        load()
    told = str(error.value).splitlines()
    assert [line.split()[0].rstrip(":") for line in told] == [
        *("MINTMARK_PROT", "port", "scopes", "admin_certificate_file", "issuer")
    ]


def test_beside_a_file_that_cannot_be_read_the_environment_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_CONFIG", "/nowhere.toml")
    monkeypatch.setenv("MINTMARK_PORT", "many")
    monkeypatch.setenv("MINTMARK_HOOK_SECRETS", '{"crm": "whsec_' + "A" * 44 + '"}')  # its hook may be in that file
    with pytest.raises(SettingsError) as error:
        load()
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["MINTMARK_CONFIG", "port"]


def test_what_must_be_known_to_judge_is_not_guessed() -> None:
    """Whether http will do hangs on require_https, which is faulty itself: nothing is said of it."""
    with pytest.raises(SettingsError) as error:
        load(issuer="http://mint.example", require_https="perhaps")
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["require_https"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"workers": "many"},
            ["workers: Input should be a valid integer, unable to parse string as an integer, or 'auto'"],
        ),
        ({"workers": 0}, ["workers: Input should be greater than or equal to 1, or 'auto'"]),
        ({"admin_tokens": {"ci": 1}}, ["admin_tokens.ci: Input should be a valid string"]),
        ({"scopes": {1: "x"}}, ["scopes.1: Input should be a valid string"]),
        ({"signing_algorithms": ("RS256", "RS1")}, ["signing_algorithms.1: Input should be 'RS256', 'PS256',"]),
        ({"resource_tokens": {"api": {"format": "x"}}}, ["resource_tokens.api.format: Input should be 'opaque',"]),
        (
            {"resource_tokens": {"api": {"form": "jwt"}}},
            ["resource_tokens.api.format: Field required", "resource_tokens.api.form: there is no"],
        ),
        (
            {"trusted_proxies": ("x", "10.0.0.0/8", "y")},
            ["trusted_proxies: 'x' does not appear to be an IPv4 or IPv6 network; 'y' does"],
        ),
        (
            {"hooks": {"crm": {"url": "http://crm.example", "timeout": "long", "events": ["claims"]}}},
            ["hooks.crm.timeout: Input should be a valid number", "hooks.crm: url must be https"],
        ),
        (
            {"hooks": {"crm": {"url": "ftp://crm.example", "events": ["nope"]}}},
            ["hooks.crm.events.0: Input should be 'claims',", "hooks.crm: url must be an http(s) URL"],
        ),
        (
            {"hooks": {"crm": {"url": "http://crm.example", "entry_point": "x"}}},
            ["hooks.crm: a hook has a url, or an entry_point; url must be https"],
        ),
        (
            {"hooks": {"crm": {"entry_point": "x", "events": []}}},
            ["hooks.crm.events: Input should have at least 1 item"],
        ),
        ({"scopes": 5}, ["scopes: Input should be a table"]),
        ({"cors_origins": {}}, ["cors_origins: Input should be a list"]),
    ],
)
def test_a_fault_is_named_as_it_was_written(given: dict[str, Any], told: list[str]) -> None:
    """Without the names of our types, and every item of a list or table."""
    with pytest.raises(SettingsError) as error:
        load(**given)
    lines = str(error.value).splitlines()
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told, strict=True)), lines


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("MINTMARK_CONFIG", "/nowhere/mintmark.toml", "MINTMARK_CONFIG: there is no file /nowhere/mintmark.toml"),
        ("MINTMARK_SECRETS_DIR", "/nowhere", "MINTMARK_SECRETS_DIR: there is no folder /nowhere"),
        ("MINTMARK_SCOPES", "{not json", "scopes"),
    ],
)
def test_what_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=told):
        load()


@pytest.mark.parametrize("name", ["mintmark.toml", "mintmark.yaml"])
def test_a_file_that_does_not_parse_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / name
    path.write_text("port = = [\n: - {")
    monkeypatch.setenv("MINTMARK_CONFIG", str(path))
    with pytest.raises(SettingsError) as error:
        load()
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("MINTMARK_PORT", False),
        ("mintmark_port", False),
        ("MINTMARK_PROT", True),
        ("MINTMARK_REDIS", True),
        ("MINTMARK_PORTS", True),
        ("MINTMARK_CONFIG", False),
        ("MINTMARK_SECRETS_DIR", False),
        ("MINTMARK_TEST_ANYTHING", False),
        ("MINTMARK_SERVICE_HOST", False),
        ("MINTMARK_SERVICE_PORT_HTTP", False),
        ("MINTMARK_PORT_8080_TCP_ADDR", False),
        ("OTHER_PORT", False),
    ],
)
def test_variables_that_look_like_ours_but_are_not(name: str, unknown: bool) -> None:
    assert unknown_variables({name: "x"}) == ([name] if unknown else [])


def test_what_kubernetes_injects_for_a_service_named_mintmark_does_no_harm(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker-style service links: MINTMARK_PORT is a URL then, not ours."""
    toml.write_text("port = 9000\n")
    for name in ("MINTMARK_PORT", "MINTMARK_PORT_8080_TCP"):
        monkeypatch.setenv(name, "tcp://10.0.0.1:8080")
    monkeypatch.setenv("MINTMARK_PORT_8080_TCP_PORT", "8080")
    monkeypatch.setenv("MINTMARK_SERVICE_HOST", "10.0.0.1")
    settings = load()
    assert settings.port == 9000
    assert origins(settings, {})["port"] == str(toml)


# what they mean


@pytest.mark.parametrize(
    ("issuer", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:8080", True),
        ("https://127.0.0.1", False),
        ("https://mint.example", False),
    ],
)
def test_http_is_for_this_machine(issuer: str, loopback: bool) -> None:
    """IT-13, WM-23."""
    assert load(issuer=issuer).issuer_is_loopback is loopback


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://10.0.0.1"]
)
def test_other_http_issuers_are_refused(issuer: str) -> None:
    with pytest.raises(SettingsError):
        load(issuer=issuer)
    assert load(issuer=issuer, require_https=False).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        *("https://mint.example", "https://mint.example/", "https://mint.example/a/", "https://Mint.Example:8443/A"),
        *("https://[2001:db8::1]:8443/", "HTTPS://mint.example", "http://[::1]:8080/"),
    ],
)
def test_an_issuer_is_kept_as_it_is_written(issuer: str) -> None:
    """It is a name: clients compare it letter by letter (OpenID Connect Discovery 4.3)."""
    assert load(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        *("https://mint.example?", "https://mint.example/?tenant=a", "https://mint.example/#", "https://:8443"),
        *(
            "https://mint.example//a",
            "https://mint.example/a//",
            "https://mint.example/a/../b",
            "https://mint.example:0",
        ),
        *("https://mint.example:", "https://mint.example:99999", "https://mint.example\\a", "ftp://mint.example"),
    ],
)
def test_an_issuer_that_two_programs_could_read_differently_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="issuer: "):
        load(issuer=issuer)


@pytest.mark.parametrize("name", ["host", "admin_host"])
@pytest.mark.parametrize("host", ["", ",", "0.0.0.0:8080", "http://x", "[::", "a b", "::1,-"])
def test_a_host_that_is_none_is_refused(name: str, host: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: "):
        load(**{name: host})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


def test_the_shipped_lifetimes_are_those_the_readme_tells() -> None:
    """IA-06, IA-11, IA-24, WM-18; contradiction 7 of the sources: 60 s for codes."""
    settings = load()
    assert (settings.code_lifetime, settings.access_token_lifetime) == (60, 3600)
    assert (settings.refresh_idle_lifetime, settings.refresh_absolute_lifetime) == (86400 * 14, 86400 * 90)
    assert (settings.refresh_grace, settings.max_body) == (10, 65536)
