"""``mintmark apply``: clients, resources and trusted issuers as files declare them."""

import json
import os
import re
import shlex
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from service.protocol.names import SubjectType
from service.records.client import Client
from tests.cli.command_line import ROOT, CommandLine
from tests.cli.running_service import only_here
from tests.redis_shapes import Shape
from tests.server_process import free_port

BOTH_WAYS = True
PAGE = ROOT / "docs/how-to/clients-in-git.md"
MCP = "https://mcp.example.com/mcp"
CI = "https://ci.example.com"
MANIFESTS = f"""
apiVersion: mintmark.dev/v1alpha1
kind: OAuth2Client
metadata: {{name: web}}
spec:
  grant_types: [client_credentials]
  scopes: [read]
  secret: {{name: web-credentials}}
---
apiVersion: mintmark.dev/v1alpha1
kind: OAuth2Client
metadata: {{name: worker}}
spec: {{client_id: jobs/worker, grant_types: [client_credentials]}}
---
apiVersion: mintmark.dev/v1alpha1
kind: OAuth2Resource
metadata: {{name: mcp}}
spec: {{resource: "{MCP}", scopes: [tools]}}
---
apiVersion: mintmark.dev/v1alpha1
kind: TrustedIssuer
metadata: {{name: ci}}
spec: {{issuer: "{CI}"}}
"""


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    folder = tmp_path / "clients"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "all.yaml").write_text(MANIFESTS)
    (folder / ".hidden.yaml").write_text("no manifest")
    (folder / "notes.txt").write_text("no manifest")
    return folder


def acts(output: dict[str, Any]) -> dict[str, str]:
    keys = ("client_id", "resource", "issuer")
    return {next(one[key] for key in keys if key in one): one["act"] for one in output["objects"]}


def test_a_folder_is_applied_once_and_pruned(mintmark: CommandLine, clients: Path, tmp_path: Path) -> None:
    """IA-40: the diff, what it makes, nothing the second time, what is put back, and what is ended."""
    to, secrets = ("apply", "-f", str(clients)), tmp_path / "secrets"
    seen = mintmark(*to, "--dry-run", code=5)
    assert "+ client web" in seen.out
    assert 'scopes: ["read"]' in seen.out
    assert mintmark("client", "list", "--json").json["clients"] == []
    refused = mintmark(*to, code=2)
    assert "+ client web" in refused.out
    assert "--yes" in refused.err

    done = mintmark(*to, "--secrets-to", str(secrets), "--yes", "--json").json
    assert list(acts(done)) == [CI, MCP, "web", "jobs/worker"], "those that clients name come first"
    assert {one["done"] for one in done["objects"]} == {True}
    assert (secrets / ".gitignore").read_text() == "*\n"
    assert {path.name: path.stat().st_mode & 0o777 for path in secrets.iterdir() if path.name != ".gitignore"} == {
        "web-credentials": 0o600,
        "worker": 0o600,
    }
    assert "client_secret" not in json.dumps(done)
    again = mintmark(*to, "--dry-run", "--json").json
    assert set(acts(again).values()) == {"nothing"}
    assert "4 as declared" in mintmark(*to, "--yes").err

    mintmark("client", "update", "web", "--scope", "read write", "--access-token-lifetime", "60")
    drift = mintmark(*to, "--dry-run", code=5).out
    assert 'scopes: ["read","write"] → ["read"]' in drift
    assert "access_token_lifetime: 60 → null" in drift
    mintmark(*to, "--yes")
    assert mintmark("client", "show", "web", "--json").json["scopes"] == ["read"]

    mintmark("client", "create", "by-hand", "--grant-type", "client_credentials")
    (clients / "deep" / "all.yaml").write_text(MANIFESTS.partition("---")[0])
    assert set(acts(mintmark(*to, "--dry-run", "--json").json).values()) == {"nothing"}, "nothing ends without --prune"
    assert "--prune needs --owner" in mintmark(*to, "--prune", "--yes", code=2).err
    pruned = (*to, "--prune", "--owner", "apply")
    asked = mintmark(*pruned, code=2)
    assert "- client jobs/worker" in asked.out
    assert f"client jobs/worker, resource {MCP}, trusted issuer {CI}" in " ".join(asked.err.split()).replace("│ ", "")
    mintmark(*pruned, "--yes")
    left = [one["client_id"] for one in mintmark("client", "list", "--json").json["clients"]]
    assert left == ["by-hand", "web"]
    assert mintmark("resource", "list", "--json").json["resources"] == []
    assert mintmark("trust", "list", "--json").json["trusts"] == []


def test_a_change_that_ends_what_a_client_was_issued_says_so(
    mintmark: CommandLine, clients: Path, redis: Shape
) -> None:
    mintmark("apply", "-f", str(clients), "--yes")
    pairwise = Client("web", grant_types=("client_credentials",), subject_type=SubjectType.PAIRWISE, managed_by="apply")
    for node in redis.primaries():
        node.admin.set("mm:client:web", pairwise.encode())
    done = mintmark("apply", "-f", str(clients), "--yes").err
    assert "Client web is changed. All that it was issued has ended" in done


def test_a_secret_is_shown_once_and_works(mintmark: CommandLine, clients: Path) -> None:
    shown = mintmark("apply", "-f", str(clients / "deep" / "all.yaml"), "--yes")
    assert shown.out.count("client_secret") == 2
    assert "client_secret" not in mintmark("apply", "-f", str(clients), "--yes").out
    mintmark("client", "delete", "web", "--yes")
    made = mintmark("apply", "-f", str(clients), "--yes", "--json").json
    assert [bool(one.get("client_secret")) for one in made["objects"]] == [False, False, True, False]


def test_what_others_made_is_left_alone_until_it_is_adopted(mintmark: CommandLine, clients: Path) -> None:
    """What fails keeps nothing else from being done."""
    mintmark("client", "create", "web", "--grant-type", "client_credentials", "--scope", "theirs")
    to = ("apply", "-f", str(clients), "--yes")
    done = mintmark(*to, "--json", code=1).json
    assert acts(done)["web"] == "foreign"
    assert [one["done"] for one in done["objects"]] == [True, True, False, True]
    assert mintmark("client", "show", "web", "--json").json["scopes"] == ["theirs"]
    shown = mintmark(*to, code=1)
    assert "made by hand" in shown.out
    assert "--adopt" in shown.out
    mintmark(*to, "--adopt")
    assert mintmark("client", "show", "web", "--json").json["managed_by"] == "apply"
    other = mintmark(*to, "--adopt", "--owner", "team-b", "--json", code=1).json
    assert set(acts(other).values()) == {"foreign"}
    assert "managed by apply" in other["objects"][0]["error"]
    assert mintmark("client", "show", "web", "--json").json["scopes"] == ["read"]


def test_what_the_service_refuses_is_said_before_anything_is_done(mintmark: CommandLine, clients: Path) -> None:
    (clients / "bad.json").write_text(
        json.dumps(
            {
                "apiVersion": "mintmark.dev/v1alpha1",
                "kind": "OAuth2Client",
                "metadata": {"name": "paired"},
                "spec": {
                    "grant_types": ["authorization_code"],
                    "redirect_uris": ["https://a.example/cb"],
                    "subject_type": "pairwise",
                },
            }
        )
    )
    seen = mintmark("apply", "-f", str(clients), "--dry-run", "--json", code=1).json
    assert acts(seen)["paired"] == "refuse"
    assert "pairwise_salt" in next(one["error"] for one in seen["objects"] if one["act"] == "refuse")
    done = mintmark("apply", "-f", str(clients), "--yes", "--json", code=1).json
    assert [one["done"] for one in done["objects"]] == [True, True, False, True, True]


def test_nothing_ends_where_something_is_refused(mintmark: CommandLine, clients: Path) -> None:
    """What was refused may be what takes the place of what would end."""
    to = ("apply", "-f", str(clients), "--owner", "shop", "--prune", "--yes")
    file = clients / "deep" / "all.yaml"
    file.write_text(MANIFESTS.replace("scopes: [read]", "alias: shop"))
    mintmark(*to)
    file.write_text(MANIFESTS.replace("scopes: [read]", "alias: shop").replace("{name: web}", "{name: web2}"))
    assert "is left as it is" in mintmark(*to, code=1).err
    assert mintmark("client", "show", "shop", "--json").json["client_id"] == "web"
    file.write_text(MANIFESTS.replace("{name: web}", "{name: web2}"))
    mintmark(*to)
    mintmark("client", "show", "web", code=1)


def test_exported_is_applied_without_a_difference(mintmark: CommandLine, tmp_path: Path) -> None:
    mintmark(
        "client", "create", "Web App".replace(" ", "_"), "--grant-type", "client_credentials", "--name", "Die Küche"
    )
    mintmark("client", "create", "cron", "--grant-type", "client_credentials", "--property", "tier=gold")
    mintmark("client", "create", "web-app", "--grant-type", "client_credentials")
    mintmark("resource", "create", MCP, "--scope", "tools")
    mintmark("trust", "add", CI, "--scope", "deploy")
    for group in ("client", "resource", "trust"):
        (tmp_path / f"{group}.yaml").write_text(mintmark(group, "export").out)
    names = [one["metadata"]["name"] for one in yaml.safe_load_all((tmp_path / "client.yaml").read_text())]
    assert names == ["web-app-2", "cron", "web-app"], "the one that is called so keeps its name"
    seen = mintmark("apply", "-f", str(tmp_path), "--adopt", "--dry-run", "--json", code=5).json
    assert [list(one["differences"]) for one in seen["objects"]] == [["managed_by"]] * 5
    one = mintmark("client", "export", "cron", "--json").json
    (tmp_path / "client.yaml").write_text(json.dumps(one))
    mintmark("apply", "-f", str(tmp_path), "--adopt", "--yes")
    assert mintmark("client", "show", "cron", "--json").json["managed_by"] == "apply"
    assert mintmark("client", "show", "Web_App", "--json").json["managed_by"] == ""


def test_what_is_declared_already_is_exported_where_it_is_named(mintmark: CommandLine, clients: Path) -> None:
    """Beside the files that declare it, it would be declared twice."""
    mintmark("apply", "-f", str(clients), "--yes")
    mintmark("client", "create", "by-hand", "--grant-type", "client_credentials")
    (clients / "existing.yaml").write_text(mintmark("client", "export").out)
    assert acts(mintmark("apply", "-f", str(clients), "--dry-run", "--json", code=1).json)["by-hand"] == "foreign"
    for group, all_of_it in (("resource", [MCP]), ("trust", [CI])):
        assert mintmark(group, "export", "--json").json["items"] == []
        found = mintmark(group, "export", "--all", "--json").json["items"]
        assert [one["spec"].get("resource", one["spec"].get("issuer")) for one in found] == all_of_it
    assert [one["metadata"]["name"] for one in mintmark("client", "export", "--all", "--json").json["items"]] == [
        "by-hand",
        "jobs-worker",
        "web",
    ]
    assert [one["metadata"]["name"] for one in mintmark("client", "export", "web", "--json").json["items"]] == ["web"]


@only_here
def test_the_exit_codes_of_the_page(mintmark: CommandLine, clients: Path, tmp_path: Path) -> None:
    """Each one that the page has comes, and no other."""
    to, faulty = ("apply", "-f", str(clients)), tmp_path / "faulty.yaml"
    faulty.write_text("kind: OAuth2Client")
    came = {
        mintmark(*to, "--dry-run", code=5).code,
        mintmark(*to, code=2).code,
        mintmark(*to, "--yes", code=0).code,
        mintmark("apply", "-f", str(faulty), "--yes", code=1).code,
    }
    variables, by_url = mintmark.variables, ("--url", f"http://127.0.0.1:{free_port()}")
    for code, changed, before in (
        (3, {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}, ()),
        (3, {"TOKEN": "mm_unknown"}, by_url),
        (4, {}, by_url),
        (4, {"ACCESS_TOKEN_LIFETIME": "soon"}, ()),
    ):
        mintmark.variables = variables | {f"MINTMARK_{name}": value for name, value in changed.items()}
        assert mintmark(*before, *to, "--yes", code=code).out == ""
        came.add(code)
    assert [int(one) for one in re.findall(r"^\| (\d) \|", PAGE.read_text(), re.MULTILINE)] == sorted(came)


@only_here
def test_secrets_are_lost_nowhere(mintmark: CommandLine, clients: Path, tmp_path: Path) -> None:
    """A folder that cannot be written to is found before anything is made; two clients do not share a file."""
    taken = tmp_path / "file"
    taken.write_text("")
    to = ("apply", "-f", str(clients), "--yes", "--json")
    assert "--secrets-to" in mintmark(*to, "--secrets-to", str(taken), code=1).err
    mintmark("apply", "-f", str(clients), "--dry-run", "--secrets-to", str(tmp_path / "secrets"), code=5)
    assert not (tmp_path / "secrets").exists()
    assert mintmark("client", "list", "--json").json["clients"] == []
    manifests = (clients / "deep" / "all.yaml").read_text().replace("web-credentials", "worker")
    (clients / "deep" / "all.yaml").write_text(manifests)
    kept_there = (*to, "--secrets-to", str(tmp_path / "secrets"))
    web, worker = mintmark(*kept_there, code=1).json["objects"][2:]
    assert web["secret_file"] == str(tmp_path / "secrets" / "worker")
    assert "another client" in worker["error"]
    kept = (tmp_path / "secrets" / "worker").read_text()
    worker = mintmark(*kept_there, code=1).json["objects"][3]
    assert "move it away" in worker["error"]
    assert (worker["done"], (tmp_path / "secrets" / "worker").read_text()) == (False, kept)
    assert [one["client_id"] for one in mintmark("client", "list", "--json").json["clients"]] == ["web"]
    (tmp_path / "secrets" / "worker").rename(tmp_path / "web")
    assert mintmark(*kept_there).json["objects"][3]["done"]
    assert sorted(os.listdir(tmp_path / "secrets")) == [".gitignore", "worker"]


@only_here
def test_no_secret_is_taken_from_anybody_else(
    mintmark: CommandLine, clients: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of pending files can be guessed, and others may be able to write to the folder."""
    folder, known = tmp_path / "secrets", tmp_path / "known"
    folder.mkdir()
    known.write_text("mm_cs_" + "x" * 43)
    pending = folder / f".{sha256(b'web').hexdigest()[:32]}.mintmark-pending"
    apply = ("apply", "-f", str(clients), "--yes", "--json", "--secrets-to", str(folder))
    for put in (
        lambda: pending.symlink_to(known),
        lambda: os.mkfifo(pending),
        lambda: pending.write_text(known.read_text()),
    ):
        put()
        with monkeypatch.context() as patch:
            patch.setattr(os, "geteuid", lambda: os.getuid() + (not pending.is_symlink()))
            objects = mintmark(*apply, code=1).json["objects"]
        (web,) = [one for one in objects if one.get("client_id") == "web"]
        assert (web["done"], "its secret cannot be kept in" in web["error"]) == (False, True)
        pending.unlink()
    assert mintmark(*apply).json["objects"][2]["done"]
    assert (folder / "web-credentials").read_text() != known.read_text()
    assert not (folder / ".gitignore").exists(), "a folder that was there is left as it was"


@only_here
def test_standard_input_and_a_terminal(mintmark: CommandLine, clients: Path) -> None:
    assert acts(mintmark("apply", "-f", "-", "--yes", "--json", stdin=MANIFESTS).json)["web"] == "create"
    (clients / "deep" / "all.yaml").write_text(MANIFESTS.replace("[read]", "[write]"))
    done = mintmark.at_terminal("apply", "-f", str(clients), typed=[("Change 1?", "n")])
    assert done.code == 1
    assert mintmark("client", "show", "web", "--json").json["scopes"] == ["read"]
    assert mintmark.at_terminal("apply", "-f", str(clients), typed=[("Change 1?", "y")]).code == 0
    assert mintmark("client", "show", "web", "--json").json["scopes"] == ["write"]


@only_here
def test_the_page_about_it_is_true(mintmark: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are applied, and its commands run in the order in which they stand there."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (manifests,) = (text for kind, text in blocks if kind == "yaml")
    (difference,) = (text for kind, text in blocks if kind == "text")
    commands = [shlex.split(line)[1:] for kind, text in blocks if kind == "console" for line in text.splitlines()]
    here = [command for command in commands if command[0] != "--url"]
    monkeypatch.chdir(tmp_path)
    Path("clients").mkdir()
    Path("clients/shop.yaml").write_text(manifests)

    seen = mintmark(*here.pop(0), code=5)
    assert seen.out + seen.err == difference
    mintmark(*here.pop(0))
    assert Path("secrets/nightly-report").read_text().strip()
    assert "3 as declared" in mintmark(*here.pop(0)).err

    Path("clients/shop.yaml").unlink()
    mintmark("client", "update", "nightly-report", "--unset", "managed_by")
    export = here.pop(0)
    Path(export[-1]).write_text(mintmark(*export[:-2]).out)
    assert "~ client nightly-report" in mintmark(*here.pop(0), code=5).out
    assert not here
