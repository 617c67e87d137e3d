"""Write what values may say of settings and secrets into the chart's values.schema.json: ``python helm/settings_schema.py``.

The rest of that file is written by hand; ``settings`` and ``secrets`` are derived from ``service.settings.Settings``, so
that a chart cannot offer a setting that is not there, or refuse one that is. What is ``required`` comes from values.yaml.
``tests/helm`` checks that it was run.
"""

import json
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from pydantic import SecretStr

from service.settings import Settings
from service.settings.descriptions import described

SCHEMA = Path(__file__).parent / "mintmark" / "values.schema.json"
VALUES = SCHEMA.with_name("values.yaml")

OF_THE_CHART = frozenset(
    {"host", "port", "admin_host", "admin_port", "redis_url", "redis_username", "redis_sentinel_username", "redis_tls"}
    | {"redis_ca_file", "redis_certificate_file", "redis_key_file"}
    | {"tls_certificate_file", "tls_key_file", "mtls_port", "client_ca_file"}
)
"""Settings that other values of the chart make."""
_WRITTEN = OF_THE_CHART - {"redis_username", "redis_sentinel_username"}
"""Those that the settings file always has, which comes before files of secrets."""

_OPTIONAL = frozenset({"global", "rollingUpdate", "resources", "requests", "limits", "labels"})
"""Groups of values that may be taken away."""
_NEEDED = frozenset({"host", "redis.tls.enabled", "operator.crds.keep"})
"""Single values without which templates cannot be filled in."""
_LEFT_OUT = {"title", "default", "format"}


def secret_settings() -> list[str]:
    """Settings that must not stand in a ConfigMap."""
    return [name for name, field in Settings.model_fields.items() if SecretStr in _types(field.annotation)]


def settings_schema() -> dict[str, Any]:
    """Of ``values.settings``."""
    whole = described().model_json_schema()
    members = {
        name: _standalone(found, whole.get("$defs", {}))
        for name, found in whole["properties"].items()
        if name not in OF_THE_CHART and name not in secret_settings()
    }
    # Helm takes a value away where null is given: these two are what the pod's grace period is made of.
    required = ["drain_delay", "drain_seconds"]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": members}


def secrets_schema() -> dict[str, Any]:
    """Of ``values.secrets.values``."""
    text = {"type": "string", "minLength": 1}
    members = {name: dict(text) for name in secret_settings()}
    members["master_key"]["minLength"] = 32
    return {"type": "object", "additionalProperties": False, "properties": members}


def written(schema: dict[str, Any]) -> str:
    """The file with both in it."""
    schema["properties"]["settings"] = settings_schema()
    secrets = schema["properties"]["secrets"]["properties"]
    secrets["values"] = secrets_schema()
    secrets["required"]["items"] = {"enum": list(Settings.model_fields)}
    secrets["from"]["propertyNames"] = {"enum": [name for name in Settings.model_fields if name not in _WRITTEN]}
    _require(schema, yaml.safe_load(VALUES.read_text()))
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _require(schema: dict[str, Any], values: dict[str, Any], path: str = "") -> None:
    """Require what templates reach into: Helm takes a value away where null is given, also by a line without a value."""
    groups = {name: one for name, one in values.items() if isinstance(one, dict) and one and name not in _OPTIONAL}
    described = {name: schema["properties"][name] for name in groups}
    groups = {name: one for name, one in groups.items() if "properties" in described[name] or "$ref" in described[name]}
    needed = [name for name in values if name in groups or f"{path}{name}" in _NEEDED]
    required = [*schema.get("required", []), *(name for name in needed if name not in schema.get("required", []))]
    if required:
        schema["required"] = required
    for name, one in groups.items():
        if "properties" in described[name] and name != "settings":
            _require(described[name], one, f"{path}{name}.")


def _types(annotation: object) -> tuple[Any, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))


def _standalone(found: object, definitions: dict[str, Any]) -> object:
    """Without references and titles, which say nothing to Helm."""
    if isinstance(found, list):
        return [_standalone(one, definitions) for one in found]
    if not isinstance(found, dict):
        return found
    whole: dict[str, Any] = found
    if "$ref" in whole:
        whole = definitions[whole["$ref"].rpartition("/")[2]] | {k: v for k, v in whole.items() if k != "$ref"}
    kept = {name: one for name, one in whole.items() if name not in _LEFT_OUT or isinstance(one, dict)}
    return {name: _standalone(one, definitions) for name, one in kept.items()}


if __name__ == "__main__":
    SCHEMA.write_text(written(json.loads(SCHEMA.read_text())))
