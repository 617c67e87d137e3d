"""Write the CRDs into the chart (``files/crds/``) from the kinds of manifests: ``python helm/crds.py``.

``spec`` is what the operation that makes one takes: the cluster refuses at once what the service would refuse for its form; the
rest the service says, in the object's conditions. No member has a default: a security profile fills in what is not said.
``tests/helm`` checks that this was run.
"""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from service.declared import GROUP, KINDS, VERSION, DeclaredKind
from service.declared.manifest import SecretPlace
from service.protocol.client_metadata import ROWS

FOLDER = Path(__file__).parent / "mintmark" / "files" / "crds"
SHORT_NAMES = {"OAuth2Client": "oa2c", "OAuth2Resource": "oa2r", "TrustedIssuer": "ti"}
_IDENTIFIER = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
_LEFT_OUT = ("title", "default", "additionalProperties", "const", "anyOf", "$ref", "ge", "le")
_SECRET_TEXT = (
    "The Secret that gets client_id, client_secret and issuer. One that others made is never written: "
    "the client gets the secret that it holds."
)


def definition(kind: DeclaredKind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    plural = f"{kind.name.lower()}s"
    names = {"kind": kind.name, "listKind": f"{kind.name}List", "plural": plural, "singular": kind.name.lower()}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": _columns(kind),
        "schema": {"openAPIV3Schema": _whole(kind)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {**names, "shortNames": [SHORT_NAMES[kind.name]], "categories": ["mintmark"]},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


class _Plain(yaml.SafeDumper):  # type: ignore[misc]
    """Writes what stands twice twice: an anchor would be for readers to follow."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def written(kind: DeclaredKind) -> str:
    """The file of a kind."""
    text: str = yaml.dump(definition(kind), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1000)
    return "# Written by helm/crds.py.\n" + text


def _columns(kind: DeclaredKind) -> list[dict[str, Any]]:
    title = {"client_id": "Client ID"}.get(kind.key, kind.key.capitalize())
    ready = '.status.conditions[?(@.type=="Ready")]'
    return [
        {"name": title, "type": "string", "jsonPath": ".status.key"},
        {"name": "Ready", "type": "string", "jsonPath": f"{ready}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{ready}.reason"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def _whole(kind: DeclaredKind) -> dict[str, Any]:
    schema = kind.create.input.model_json_schema()
    definitions = schema.get("$defs", {})
    members = {name: _structural(schema["properties"][name], definitions) for name in kind.members}
    if kind.has_secret:  # where the type is said anew the table's words are not
        members |= {
            name: members[name] | {"description": ROWS[name].member.help} for name in members.keys() & ROWS.keys()
        }
    members[kind.key] |= _IDENTIFIER
    # What has another key is another thing: tokens and grants name it.
    fixed = {"rule": f"has(self.{kind.key}) == has(oldSelf.{kind.key})", "message": f"{kind.key} cannot be changed"}
    if kind.name_is_key:
        members[kind.key]["description"] = f"What the service knows the {kind.noun} by; metadata.name unless said."
    members[kind.key]["x-kubernetes-validations"] = [{"rule": "self == oldSelf", "message": fixed["message"]}]
    if kind.has_secret:
        members["secret"] = _secret()
    spec: dict[str, Any] = {"type": "object", "properties": members}
    if kind.name_is_key:
        spec["x-kubernetes-validations"] = [fixed]
    else:
        spec["required"] = [kind.key]
    return {
        "type": "object",
        "description": f"A {kind.noun} of a Mintmark.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _status(kind),
        },
    }


def _secret() -> dict[str, Any]:
    schema = SecretPlace.model_json_schema()
    properties = {name: _structural(one, {}) for name, one in schema["properties"].items()}
    return {"type": "object", "description": _SECRET_TEXT, "required": ["name"], "properties": properties}


def _structural(found: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema as Kubernetes takes it: one type, no references, no alternatives, no null; what is left out is not set."""
    if "$ref" in found:
        referred = definitions[found["$ref"].rpartition("/")[2]]
        found = referred | {name: one for name, one in found.items() if name != "$ref"}
    whole: dict[str, Any] = {}
    for one in found.get("anyOf", []):
        if one.get("type") != "null" and "const" not in one:
            part = _structural(one, definitions)
            part["enum"] = [*whole.get("enum", []), *part.get("enum", [])]
            whole |= {name: value for name, value in part.items() if value != []}
    whole |= {name: one for name, one in found.items() if name not in _LEFT_OUT}
    for ours, theirs in (("ge", "minimum"), ("le", "maximum")):
        if ours in found:
            whole[theirs] = found[ours]
    if "items" in whole:
        whole["items"] = {
            name: one for name, one in _structural(whole["items"], definitions).items() if name != "description"
        }
    if "properties" in whole:
        whole["properties"] = {name: _structural(one, definitions) for name, one in whole["properties"].items()}
    elif whole.get("type") in ("object", None):
        whole["x-kubernetes-preserve-unknown-fields"] = True
    return {name: " ".join(one.split()) if name == "description" else one for name, one in whole.items()}


def _status(kind: DeclaredKind) -> dict[str, Any]:
    text = {"type": "string"}
    number = {"type": "integer", "format": "int64"}
    condition = {
        "type": "object",
        "required": ["type", "status", "reason", "message", "lastTransitionTime"],
        "properties": {
            "type": text,
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "reason": text,
            "message": text,
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "observedGeneration": number,
        },
    }
    secret = {
        "type": "object",
        "description": "The Secret, and which state of it the service has.",
        "properties": {
            "name": text,
            "version": text,
            "createdAt": number,
            "oldUntil": number,
            "rotation": text,
            "secretKey": text,
        },
    }
    members = {
        "key": {"type": "string", "description": f"The {kind.key} that was made; nothing was, where it is not there."},
        "digest": {"type": "string", "description": "Of the record as it was put right: what differs is looked at."},
        "observedGeneration": number,
        "conditions": {
            "type": "array",
            "items": condition,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        **({"secret": secret} if kind.has_secret else {}),
    }
    return {"type": "object", "description": "What the operator says.", "properties": members}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in KINDS.values():
        (FOLDER / f"{one.name.lower()}s.yaml").write_text(written(one))
