"""Manifests in files: what is wrong with them is said with file, document and path, all at once."""

import json
import os
from pathlib import Path

import pytest

from service.declared import ManifestError
from service.declared.files import read_manifests

HEAD = "apiVersion: mintmark.dev/v1alpha1\nkind: OAuth2Client\n"
WEB = HEAD + "metadata: {name: web}\nspec: {grant_types: [client_credentials]}\n"
ITEM = {
    "apiVersion": "mintmark.dev/v1alpha1",
    "kind": "OAuth2Resource",
    "metadata": {"name": "a", "labels": {"team": "shop"}},
    "spec": {"resource": "https://a.example"},
    "status": {"conditions": []},
}
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{two}: &{two} [{','.join(f'*{one}' for _ in range(9))}]\n"
    for one, two in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED = "a0: &a0 {k: v}\n" + "".join(
    f"a{number}: &a{number} {{<<: [{', '.join([f'*a{number - 1}'] * 8)}]}}\n" for number in range(1, 40)
)


def faults(path: Path) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        read_manifests([path])
    return str(refused.value).replace(f"{path}", "PATH").split("\n")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", ["there is no manifest in PATH"]),
        ("---\n---\n", ["there is no manifest in PATH"]),
        ("- a\n", ["PATH: is no object with apiVersion"]),
        ("a: [", ["PATH: cannot be read: expected the node content"]),
        ("a: 1\nb: 2\na: 3\n", ["PATH: cannot be read: a stands there twice (line 1)"]),
        ("a: !!python/object/apply:os.system [true]\n", ["PATH: cannot be read: could not determine a constructor"]),
        ("[" * 5000, ["PATH: cannot be read: "]),
        (BOMB, ["PATH: has more than 100000 values"]),
        (MERGED, ["PATH: cannot be read: more than 100000 values (line 7)"]),
        ("a: \x00", ["PATH: cannot be read"]),
        ("# " + "x" * 5_000_000, ["PATH: is larger than 4 MiB"]),
        (
            "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\nspec: {}\n",
            ["PATH: apiVersion", "PATH: kind"],
        ),
        (WEB.replace("{name: web}", "{name: Web}"), ["PATH: metadata.name: must be"]),
        (WEB + "stauts: {}\n", ["PATH: stauts: there is no such member"]),
        (WEB.replace("grant_types", "grant_type"), ["PATH: spec.grant_type: there is", "PATH: spec.grant_types: name"]),
        (
            WEB.replace("{name: web}", "{}").replace("grant_types", "grant_type").replace("v1alpha1", "v1"),
            [
                "PATH: apiVersion",
                "PATH: metadata.name: must",
                "PATH: spec.grant_type: ",
                "PATH: spec.grant_types: name",
            ],
        ),
        (
            HEAD + "metadata: {name: w}\nspec: {grant_type: [x], managed_by: me, secret: {name: ../x}}",
            [
                "PATH: spec.managed_by",
                "PATH: spec.grant_type: ",
                "PATH: spec.grant_types: ",
                "PATH: spec.secret.name: ",
            ],
        ),
        (
            HEAD + "metadata: {name: w}\nspec: {grant_types: [client_credentials], managed_by: me}",
            ["PATH: spec.managed_by"],
        ),
        (
            HEAD.replace("OAuth2Client", "TrustedIssuer")
            + "metadata: {name: w}\nspec: {issuer: https://i.example, if_match: x}",
            ["PATH: spec.if_match"],
        ),
        (
            HEAD + "metadata: {name: w}\nspec: {grant_types: [client_credentials], secret: s3cr3t}",
            ["PATH: spec.secret: must"],
        ),
        (
            HEAD + "metadata: {name: 2026-01-31}\nspec: {grant_types: [client_credentials]}",
            [
                "PATH: metadata.name: must be 1 to 253 lower case letters, digits, '-' and '.', as Kubernetes has it; what "
                "the server is to call it may be another name, in spec (it was read as the date 2026-01-31: put it in quotes)"
            ],
        ),
        ("a: b\0c", ["PATH: cannot be read: must be printable text in UTF-8, and has #x00 at position 4"]),
        ("[" * 5000, ["PATH: cannot be read: lists and objects in it are nested too deep"]),
        (
            HEAD + "metadata: {name: w}\nspec: {grant_types: [client_credentials], secret: {name: ../x}}",
            ["PATH: spec.secret.name: "],
        ),
        (
            f"{WEB}---\n{WEB}---\nnonsense: 1\n",
            [
                "PATH, document 2: the client 'web' is declared already, in PATH, document 1",
                *["PATH, document 3: apiVersion: ", "PATH, document 3: kind: ", "PATH, document 3: nonsense: "],
                *["PATH, document 3: metadata.name: ", "PATH, document 3: spec: "],
            ],
        ),
    ],
    ids=lambda value: "" if isinstance(value, list) else value[:30],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: str, wrong: list[str]) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(content)
    found = faults(path)
    assert [one[: len(begins)] for one, begins in zip(found, wrong, strict=True)] == wrong
    assert "s3cr3t" not in " ".join(found)


def test_all_files_are_read_before_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("[")
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.yml").write_text(WEB.replace("web", "W"))
    (tmp_path / "d.yml").write_bytes(b"\xff\xfe\xff")
    assert [one.partition(":")[0] for one in faults(tmp_path)] == [
        f"PATH/{name}" for name in ("a.yaml", "b.json", "c.yml", "d.yml")
    ]
    assert "no such file" in faults(tmp_path / "missing")[0]


def test_nothing_that_is_meant_is_passed_over(tmp_path: Path) -> None:
    """Links are followed, once; what leads nowhere is a fault: what it declares would be pruned."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.YAML").write_text(WEB)
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "linked" / "back").symlink_to(folder)
    assert [one.name for one in read_manifests([folder])] == ["web"]
    (folder / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert faults(folder) == ["PATH/gone.yaml: cannot be read: No such file or directory"]
    (folder / "gone.yaml").unlink()
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    assert faults(folder) == ["PATH/gone: cannot be read: No such file or directory"]
    (folder / "gone").unlink()
    os.mkfifo(folder / "pipe.yaml")
    assert [one.name for one in read_manifests([folder])] == ["web"], "and nobody waits for a pipe"


def test_what_refers_to_itself_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {<<: *a, b: 1}\n")
    assert faults(path)


def test_a_name_is_found_twice_among_many(tmp_path: Path) -> None:
    """To count each of them among all would take hours."""
    path = tmp_path / "a.json"
    path.write_text("{" + ",".join(f'"{number:x}":1' for number in (*range(300_000), 299_999)) + "}")
    assert faults(path) == [f"PATH: cannot be read: {299_999:x} stands there twice"]


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(ITEM), "utf-8-sig")
    (manifest,) = read_manifests([path])
    assert manifest.kind.name == ITEM["kind"]


def test_a_member_that_stands_twice_in_json_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.JSON"
    path.write_text(json.dumps(ITEM).replace('"status"', '"spec": {}, "status"'))
    assert faults(path) == ["PATH: cannot be read: spec stands there twice"]


def test_what_kubectl_writes_is_read(tmp_path: Path) -> None:
    """A List, with what a cluster adds to an object."""
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [ITEM, {**ITEM, "spec": {}}]}))
    assert faults(path) == ["PATH, item 2: spec.resource: is missing"]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [ITEM]}))
    (manifest,) = read_manifests([path])
    assert (manifest.name, manifest.key, manifest.members["scopes"]) == ("a", "https://a.example", [])


def test_aliases_are_what_they_stand_for(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        HEAD + "metadata: {name: web}\nspec:\n  scopes: &s [read]\n  grant_types: [client_credentials]\n"
        "  access_token_claims: *s\n"
    )
    (manifest,) = read_manifests([path])
    assert manifest.members["access_token_claims"] == ["read"]
