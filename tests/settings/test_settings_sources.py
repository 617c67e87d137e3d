"""Where settings come from: environment, file, secret files, in this order."""

from pathlib import Path

import pytest

from service.settings import SettingsError, load, origins, unknown_variables


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


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("admin_tokens", b"sesame", 'admin_tokens: write JSON into the file, such as {"ci": "'),
        ("admin_tokens", b"\xff\xfe", "admin_tokens: must be a text in UTF-8"),
        ("redis_password", b"\xff\xfe", "redis_password: must be a text in UTF-8"),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_read_is_a_fault_of_the_setting(
    secrets: Path, name: str, content: bytes, told: str
) -> None:
    (secrets / name).write_bytes(content)
    with pytest.raises(SettingsError) as error:
        load(port=-1)
    assert told in str(error.value)
    assert "port: " in str(error.value), "all faults are told at once"
    assert "sesame" not in str(error.value)


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


def test_what_a_profile_makes_of_a_setting_is_said_to_come_from_it() -> None:
    told = origins(
        load(profile="fapi2_security", require_pkce=True), {"profile": "fapi2_security", "require_pkce": True}
    )
    assert (told["profile"], told["require_pkce"], told["refresh_rotation"]) == ("given", "given", "profile")


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mintmark.toml", "port = = ["),
        ("mintmark.yaml", ": - {"),
        ("mintmark.yaml", "- port"),
        ("mintmark.toml", "port = 1\nport = 2"),
        ("mintmark.yaml", "port: 1\nport: 2"),
        ("mintmark.yaml", "scopes: {read: One, read: Another}"),
    ],
)
def test_a_file_that_cannot_be_meant_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    monkeypatch.setenv("MINTMARK_CONFIG", str(path))
    with pytest.raises(SettingsError) as error:
        load()
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "line",
    [
        "redis_password: {}: x",
        'redis_password: "{}',
        "redis_password: *{}",
        "redis_password: !{}",
        "admin_tokens: {{ci: {}",
        *(f"redis_password: !!{kind} {{}}" for kind in ("bool", "int", "float", "timestamp")),
    ],
)
def test_a_faulty_yaml_file_is_no_way_for_its_secrets_into_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    path = tmp_path / "mintmark.yaml"
    path.write_text("port: 1\n" + line.format("correct-horse-battery-staple") + "\n")
    monkeypatch.setenv("MINTMARK_CONFIG", str(path))
    with pytest.raises(SettingsError, match=r"\(line [234]\)$") as error:
        load()
    assert "horse" not in str(error.value)


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


def test_what_must_be_said_and_is_not_ends_the_start(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Secret whose key is called otherwise would switch OpenID Connect off without a word."""
    monkeypatch.setenv("MINTMARK_REQUIRED", "master_key, redis_password,no_such_one")
    (secrets / "masterkey").write_text("m" * 32)
    (secrets / "redis_password").write_text("secret")
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).splitlines() == [
        "master_key: is not set, and MINTMARK_REQUIRED says that it must be; "
        f"the files of {secrets} are: masterkey, redis_password",
        "MINTMARK_REQUIRED: there is no setting no_such_one (docs/reference/settings.md has all)",
    ]


def test_what_must_be_said_may_come_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_REQUIRED", "issuer,master_key")
    monkeypatch.setenv("MINTMARK_MASTER_KEY", "m" * 32)
    with pytest.raises(SettingsError, match=r"^issuer: is not set, and MINTMARK_REQUIRED says that it must be$"):
        load()
    assert load(issuer="https://tokens.example.com").issuer == "https://tokens.example.com"
