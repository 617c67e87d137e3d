"""Every fault of the settings is told at once and in words."""

from pathlib import Path
from typing import Any

import pytest

from service.settings import SettingsError, load


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 70000}, "port: must be at most 65535"),
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
        ({"code_lifetime": 0}, "code_lifetime: must be at least 1"),
        ({"code_lifetime": 2**31}, "code_lifetime: must be at most 2147483647"),
        ({"refresh_grace": 301}, "refresh_grace: must be at most 300"),
        ({"refresh_idle_lifetime": -1}, "refresh_idle_lifetime: must be at least 0"),
        ({"refresh_rotation": "sometimes"}, "refresh_rotation: must be 'always', 'public_clients' or 'never'"),
        ({"unknown_scope": "ignore"}, "unknown_scope: must be 'refuse' or 'drop'"),
        ({"log_level": "LOUD"}, "log_level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ({"redis_url": "http://127.0.0.1"}, "redis_url: "),
        ({"acr": "two words"}, "acr: must match"),
        ({"acr": ""}, "acr: must match"),
        ({"directory_secret": "one\nline"}, "directory_secret: must be ASCII characters without blanks"),
        ({"directory_secret": "schlüssel"}, "directory_secret: must be ASCII characters without blanks"),
        (
            {"registration_authorization_details_types": ("payment",)},
            "registration_authorization_details_types: authorization_details_types has no 'payment'",
        ),
        ({"admin_tokens": {"ann": "t" * 43, "bob": "t" * 43}}, "admin_tokens: two names have the same secret"),
        ({"decision_api_keys": {"shop": "s" * 43, "kiosk": "s" * 43}}, "decision_api_keys: two names have the same"),
        ({"directory_url": "users.example"}, "directory_url: must be an http(s) URL"),
        ({"directory_url": "https://users.example/?a=b"}, "directory_url: must be without query and fragment"),
        ({"sign_up_url": "javascript:alert(1)"}, "sign_up_url: must be an http(s) URL"),
        ({"device_page_url": "/device"}, "device_page_url: must be an http(s) URL"),
        ({"op_policy_uri": "https://www.example/our policy"}, "op_policy_uri: must be an http(s) URL"),
        ({"op_tos_uri": "https://www.example:0/"}, "op_tos_uri: its port must be a number"),
        ({"op_tos_uri": "https://www.example:x/"}, "op_tos_uri: its port must be a number"),
        ({"otlp_endpoint": "collector:4317"}, "otlp_endpoint: must be an http(s) URL"),
        ({"cors_origins": ("https://app.example/",)}, "cors_origins: https://app.example/: must be an origin"),
        ({"cors_origins": ("app.example",)}, "cors_origins: app.example: must be an origin"),
        ({"cors_origins": ("https://App.example",)}, "cors_origins: https://App.example: must be an origin"),
        ({"cors_origins": ("https://app.example:443",)}, "cors_origins: https://app.example:443: must be an origin"),
        ({"scopes": {"read write": "Both"}}, "scopes.read write: must be one word each"),
        ({"scope_claims": {"": ["roles"]}}, "scope_claims.: must be one word each"),
        ({"access_token_claims": {'"': ["roles"]}}, "printable ASCII without quote and backslash"),
        ({"default_scope": "read r\\w"}, "default_scope: printable ASCII without quote and backslash"),
        ({"registration_scopes": ("openid email",)}, "registration_scopes.0: must be one word each"),
        ({"resource_tokens": {"an api": {"format": "opaque"}}}, "resource_tokens.an api: must be 1 to 255 printable"),
        ({"authorization_details_types": {"": {}}}, "a type is 1 to 255 printable characters"),
        ({"authorization_details_types": {"x" * 256: {}}}, "printable characters"),
        ({"drain_delay": float("inf")}, "drain_delay: must be at most 3600"),
        ({"refresh_idle_lifetime": 2**31}, "refresh_idle_lifetime: must be at most 2147483647"),
        ({"argon2_memory": 2**32}, "argon2_memory: must be at most 4194304"),
        ({"argon2_iterations": 2**32}, "argon2_iterations: must be at most 1000"),
        ({"redis_ca_file": "/ca.pem"}, "redis_ca_file: for TLS only: write rediss:// in redis_url"),
        (
            {"redis_url": "rediss://redis", "redis_key_file": "/k"},
            "redis_key_file: needs redis_certificate_file",
        ),
        ({"prot": 8080}, "prot: there is no such setting (docs/reference/settings.md has all); did you mean port?"),
    ],
)
def test_a_fault_is_told_in_words(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(**given)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"cors_origins": ("*",)},
        {"cors_origins": ("null", "http://localhost:5173", "capacitor://localhost", "https://[::1]:8443")},
        {"directory_url": "http://users.identity.svc:8080/mintmark"},
        {"default_scope": "read  write"},
        {"redis_url": "redis+sentinel://a,b/main", "redis_tls": True, "redis_ca_file": "/ca.pem"},
    ],
)
def test_what_may_be_meant_is_taken(given: dict[str, Any]) -> None:
    load(**given)


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
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "--config, or MINTMARK_CONFIG",
        "port",
    ]


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
            ["workers: must be a whole number, or 'auto'"],
        ),
        ({"workers": 0}, ["workers: must be at least 1, or 'auto'"]),
        ({"admin_tokens": {"ci": 1}}, ["admin_tokens.ci: must be a text"]),
        (
            {"decision_api_keys": {"t" * 43: "shop"}},
            [
                "decision_api_keys: (a long name: are name and secret swapped?): must have 32 characters or more; `mintmark"
            ],
        ),
        ({"scopes": {1: "x"}}, ["scopes.1: must be a text"]),
        ({"signing_algorithms": ("RS256", "RS1")}, ["signing_algorithms.1: must be 'RS256', 'PS256',"]),
        ({"resource_tokens": {"api": {"format": "x"}}}, ["resource_tokens.api.format: must be 'opaque',"]),
        (
            {"resource_tokens": {"api": {"form": "jwt"}}},
            ["resource_tokens.api.format: is missing", "resource_tokens.api.form: there is no"],
        ),
        (
            {"trusted_proxies": ("x", "10.0.0.0/8", "y")},
            ["trusted_proxies: 'x' does not appear to be an IPv4 or IPv6 network; 'y' does"],
        ),
        (
            {"hooks": {"crm": {"url": "http://crm.example", "timeout": "long", "events": ["claims"]}}},
            ["hooks.crm.timeout: must be a number", "hooks.crm: url must be https"],
        ),
        (
            {"hooks": {"crm": {"url": "ftp://crm.example", "events": ["nope"]}}},
            ["hooks.crm.url: must be an http(s) URL", "hooks.crm.events.0: must be 'claims',"],
        ),
        (
            {"hooks": {"crm": {"url": "http://crm.example", "entry_point": "x"}}},
            ["hooks.crm: a hook has a url, or an entry_point; url must be https"],
        ),
        (
            {"hooks": {"crm": {"entry_point": "x", "events": []}}},
            ["hooks.crm.events: must have at least 1 item"],
        ),
        (
            {"hooks": {"crm": {"url": "https://crm.example:99999", "events": ["claims"]}}},
            ["hooks.crm.url: its port must be a number from 1 to 65535"],
        ),
        ({"scopes": 5}, ["scopes: must be a table"]),
        ({"cors_origins": {}}, ["cors_origins: must be a list"]),
    ],
)
def test_a_fault_is_named_as_it_was_written(given: dict[str, Any], told: list[str]) -> None:
    """Without the names of our types, and every item of a list or table."""
    with pytest.raises(SettingsError) as error:
        load(**given)
    lines = str(error.value).splitlines()
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told, strict=True)), lines
