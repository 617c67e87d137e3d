"""JSON schemas of Kubernetes' objects for kubeconform, made from what Kubernetes and its extensions publish themselves.

Kubernetes describes its objects in an OpenAPI document, extensions in a CustomResourceDefinition each; both come with their Go
modules. The schemas are strict: a member that is not described is a fault, where the API server would only warn.
"""

import json
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.helm import tools

EXTENSIONS = {
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    "github.com/kedacore/keda/v2@v2.21.0": ("config/crd/bases/keda.sh_scaledobjects.yaml",),
    "sigs.k8s.io/gateway-api@v1.4.1": ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
}
"""The CustomResourceDefinitions of objects that the chart can make."""

LOCATION = "{{.ResourceKind}}{{.KindSuffix}}.json"
"""How kubeconform finds a schema in the folder."""

_DEFINITION = "#/definitions/"
_SPECIAL: dict[str, Any] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
}
"""What the document calls strings though numbers are read as well."""


def write_kubernetes(version: str, folder: Path, kinds: set[str]) -> None:
    """Schemas of the objects of these kinds in a version of Kubernetes; those of all take a hundred times as long."""
    source = tools.module(f"k8s.io/kubernetes@{version}") / "api/openapi-spec/swagger.json"
    definitions: dict[str, Any] = json.loads(source.read_text())["definitions"]
    strict = {name: _strict(found) for name, found in (definitions | _SPECIAL).items()}
    for name, found in definitions.items():
        for kind in found.get("x-kubernetes-group-version-kind", []):
            if kind["kind"] not in kinds:
                continue
            needed = {one: strict[one] for one in _reached(name, strict)}
            _write(folder, kind["group"], kind["version"], kind["kind"], strict[name] | {"definitions": needed})


def write_extensions(folder: Path) -> None:
    """Schemas of the objects of ``EXTENSIONS``."""
    for path_and_version, files in EXTENSIONS.items():
        for file in files:
            described = yaml.safe_load((tools.module(path_and_version) / file).read_text())["spec"]
            for version in described["versions"]:
                schema = _strict(version["schema"]["openAPIV3Schema"])
                # What every object may have is left out by definitions that describe their own.
                schema["properties"]["metadata"] = {"type": "object"}
                _write(folder, described["group"], version["name"], described["names"]["kind"], schema)


def _write(folder: Path, group: str, version: str, kind: str, schema: dict[str, Any]) -> None:
    """kubeconform writes the kind in small letters; its suffix has of a group the part before the first dot."""
    suffix = "-".join(part for part in (group.partition(".")[0], version) if part)
    (folder / f"{kind.lower()}-{suffix}.json").write_text(json.dumps(schema))


def _strict(schema: Any) -> Any:
    """The schema where members that it does not describe are refused, without the dialects of OpenAPI."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    described = {name: _strict(one) for name, one in schema.items() if not _is_annotation(name, one)}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_ended:
        described["additionalProperties"] = False
    return described


def _is_annotation(name: str, value: Any) -> bool:
    """Whether a member of a schema says nothing that is validated; a described object may have members of these names."""
    return name.startswith("x-") or (name in ("description", "format") and isinstance(value, str))


def _reached(name: str, definitions: dict[str, Any]) -> set[str]:
    """The definitions that this one refers to, and they in turn."""
    reached: set[str] = set()
    waiting = _references(definitions[name])
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting |= _references(definitions[one])
    return reached


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {found for one in schema for found in _references(one)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].removeprefix(_DEFINITION)} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*(_references(one) for one in schema.values()))
