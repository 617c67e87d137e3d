"""examples/migrate/clients.py: clients as Hydra lists them and Keycloak exports them, and what its commands make of them."""

import io
import json
import runpy
import shlex
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import CommandLine
from tests.pages import ROOT, Page

SCRIPT = str(ROOT / "examples" / "migrate" / "clients.py")
HYDRA: dict[str, Any] = {
    "items": [
        {
            "client_id": "5d2f6a86-0000-4a5e-9d3b-1f1c6a4b7c11",
            "client_name": "The shop",
            "grant_types": ["authorization_code", "refresh_token", "implicit"],
            "response_types": ["code", "code id_token", "token"],
            "scope": "openid offline offline_access read",
            "audience": ["https://api.example.com"],
            "redirect_uris": ["https://shop.example.com/callback"],
            "post_logout_redirect_uris": ["https://shop.example.com/"],
            "token_endpoint_auth_method": "client_secret_post",
            "access_token_strategy": "jwt",
            "skip_consent": True,
            "subject_type": "public",
            "contacts": ["shop@example.com"],
            "jwks": {},
            "owner": "",
            "authorization_code_grant_access_token_lifespan": "30m0s",
        },
        {
            "client_id": "spa",
            "grant_types": ["authorization_code"],
            "redirect_uris": ["https://spa.example.com/"],
            "scope": "openid",
            "token_endpoint_auth_method": "none",
        },
    ],
    "is_last_page": True,
}
KEYCLOAK: dict[str, Any] = {
    "realm": "shop",
    "clients": [
        {"clientId": "account", "publicClient": True},
        {"clientId": "a-saml-one", "protocol": "saml"},
        {
            "clientId": "shop",
            "name": "The shop",
            "protocol": "openid-connect",
            "clientAuthenticatorType": "client-secret",
            "secret": "wXgy1q5m0yJ3",
            "publicClient": False,
            "standardFlowEnabled": True,
            "directAccessGrantsEnabled": False,
            "serviceAccountsEnabled": True,
            "consentRequired": False,
            "redirectUris": ["https://shop.example.com/callback", "https://shop.example.com/*"],
            "defaultClientScopes": ["web-origins", "profile"],
            "optionalClientScopes": ["offline_access"],
            "attributes": {
                "post.logout.redirect.uris": "https://shop.example.com/##https://shop.example.com/bye",
                "backchannel.logout.url": "https://shop.example.com/logged-out",
                "pkce.code.challenge.method": "S256",
                "access.token.lifespan": "600",
            },
            "protocolMappers": [{"name": "department"}],
        },
        {
            "clientId": "app",
            "publicClient": True,
            "standardFlowEnabled": True,
            "consentRequired": True,
            "redirectUris": ["com.example.app:/callback"],
        },
        {
            "clientId": "old",
            "enabled": False,
            "secret": "**********",
            "serviceAccountsEnabled": True,
            "defaultClientScopes": ["web-origins", "acr", "basic", "email", "stock"],
        },
        {
            "clientId": "wild",
            "description": "Of two lines:\nmintmark client create of-the-description",
            "publicClient": True,
            "standardFlowEnabled": True,
            "redirectUris": ["*"],
        },
        {"clientId": "orders-api", "bearerOnly": True},
    ],
}


def _written(
    page: Page,
    exported: dict[str, Any],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """What the program writes, called as the page does."""
    arguments = shlex.split(page.block("console").rpartition("python3 ")[2].partition(" >")[0])
    (folder / arguments[1]).parent.mkdir(exist_ok=True)
    (folder / arguments[1]).write_text(json.dumps(exported))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(exported)))
    runpy.run_path(SCRIPT, run_name="__main__")
    return capsys.readouterr().out.splitlines()


def _run(mintmark: CommandLine, lines: list[str]) -> None:
    """As a shell does it: what is behind ``||`` where the first command fails."""
    mintmark.variables["MINTMARK_MASTER_KEY"] = "m" * 43
    for line in lines:
        for command in line.split(" || "):
            words = shlex.split(command, comments=True)
            if words[:1] != ["mintmark"]:
                break
            stdin = Path(words[-1]).read_text() if "<" in words else ""
            looks = ">" in words
            arguments = list(takewhile(lambda word: word not in "<>", words[1:]))
            if mintmark(*arguments, stdin=stdin, code=None if looks else 0).code == 0:
                break


def test_clients_of_hydra(
    mintmark: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _written(Page("how-to/migrate-from-hydra.md"), HYDRA, tmp_path, monkeypatch, capsys)
    notes = [line for line in lines if line.startswith("#")]
    assert any("its secret" in line for line in notes)
    assert any("lifespan 30m0s" in line for line in notes)
    _run(mintmark, lines)
    shop = mintmark("client", "show", HYDRA["items"][0]["client_id"], "--json").json
    assert (shop["name"], shop["auth_method"], shop["skip_consent"]) == ("The shop", "client_secret_post", True)
    assert shop["scopes"] == ["openid", "offline_access", "read"]
    assert (shop["audiences"], shop["access_token_format"]) == (["https://api.example.com"], "jwt")
    assert sorted(shop["response_types"]) == ["code", "code id_token"]
    assert mintmark("client", "show", "spa", "--json").json["auth_method"] == "none"


@pytest.mark.parametrize("text", ["", "[]", '{"clients": []}', "nonsense"])
def test_what_is_no_export_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    """As where the program before the pipe failed: half a script would look like one without clients."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    for file in ("-", str(tmp_path / "none.json")):
        monkeypatch.setattr("sys.argv", ["clients.py", file, "--secrets", str(tmp_path / "secrets")])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(SCRIPT, run_name="__main__")
        assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot be read as JSON" in err
    assert not (tmp_path / "secrets").exists()


def test_a_page_that_is_not_the_last_one_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_last in (True, False):
        exported = HYDRA | {"is_last_page": is_last}
        lines = _written(Page("how-to/migrate-from-hydra.md"), exported, tmp_path, monkeypatch, capsys)
        assert any("There are more clients" in line for line in lines) is not is_last


def test_clients_of_keycloak(
    mintmark: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _written(Page("how-to/migrate-from-keycloak.md"), KEYCLOAK, tmp_path, monkeypatch, capsys)
    assert not any("account" in line for line in lines)
    notes = [line for line in lines if line.startswith("#")]
    for client_id, reason in (
        ("a-saml-one", "SAML"),
        ("orders-api", "the guard"),
        ("shop", "https://shop.example.com/*"),
    ):
        assert any(line.startswith(f"# {client_id}: ") and reason in line for line in notes)
    assert any("wild" in line and "not complete" in line for line in notes)
    assert any(line.startswith("# mintmark ") and "client create wild " in line for line in notes)
    (kept,) = (path for path in (tmp_path / "secrets").iterdir() if path.name != ".gitignore")
    assert (tmp_path / "secrets" / ".gitignore").read_text() == "*\n"
    assert (kept.read_text(), kept.stat().st_mode & 0o077) == ("wXgy1q5m0yJ3\n", 0)
    assert not any("wXgy1q5m0yJ3" in line for line in lines)
    _run(mintmark, lines)
    _run(mintmark, lines)  # again: what is there stays
    listed = {client["client_id"] for client in mintmark("client", "list", "--json").json["clients"]}
    assert listed == {"shop", "app", "old"}
    shop = mintmark("client", "show", "shop", "--json").json
    assert shop["scopes"] == ["openid", "profile", "offline_access"]
    assert shop["redirect_uris"] == ["https://shop.example.com/callback"]
    assert sorted(shop["grant_types"]) == ["authorization_code", "client_credentials", "refresh_token"]
    assert (shop["require_pkce"], shop["access_token_lifetime"], shop["skip_consent"]) == (True, 600, True)
    assert shop["post_logout_redirect_uris"] == ["https://shop.example.com/", "https://shop.example.com/bye"]
    app = mintmark("client", "show", "app", "--json").json
    assert (app["auth_method"], app["redirect_uris"]) == ("none", ["com.example.app:/callback"])
    assert (app["skip_consent"], app["enabled"]) == (False, True)
    old = mintmark("client", "show", "old", "--json").json
    assert (old["enabled"], old["grant_types"], old["scopes"]) == (False, ["client_credentials"], ["stock"])
