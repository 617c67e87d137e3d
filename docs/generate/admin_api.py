"""Every operation of the admin API and what it takes and gives, from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from docs.generate.schemas import default_in_words, type_in_words
from docs.generate.tables import code, table
from service.fronts.admin_api.openapi import document
from service.fronts.admin_api.routes import OPENAPI_PATH
from service.protocol.client_metadata import ROWS

_HEAD = """# Admin API

{description}

It is at the operators' port (`admin_port`), for who shows a token of `admin_tokens` (Bearer) or a certificate of
`admin_client_ca_file`; `{openapi}` there is the whole of this page for programs (OpenAPI 3.1). What goes wrong is a problem
(RFC 9457) with a stable `code`: [Problem](#problem).

"""


def page() -> str:
    """The whole page."""
    api = document()
    schemas = api["components"]["schemas"]
    operations = [
        (method.upper(), path, one) for path, methods in api["paths"].items() for method, one in methods.items()
    ]
    head = _HEAD.format(description=api["info"]["description"], openapi=OPENAPI_PATH)
    parts = [head, table(("operation", "request", "what it does"), map(_line, operations))]
    for tag, group in groupby(operations, lambda one: one[2]["tags"][0]):
        parts.append(f"\n## {tag}\n" + "".join(_operation(*one) for one in group))
    parts.append("\n## Schemas\n")
    parts += [_schema(name, one) for name, one in sorted(schemas.items()) if "properties" in one or "enum" in one]
    return "".join(parts)


def _line(operation: tuple[str, str, Mapping[str, Any]]) -> tuple[str, str, str]:
    method, path, one = operation
    name = one["operationId"]
    return f"[{name}](#{name.replace('.', '')})", f"`{method} {path}`", one["summary"]


def _operation(method: str, path: str, one: Mapping[str, Any]) -> str:
    parameters = table(
        ("parameter", "in", "type", "what it says"),
        (
            (
                code(each["name"]) + ("" if each["required"] else " (optional)"),
                each["in"],
                type_in_words(each["schema"], _named),
                each.get("description", each["schema"].get("description", "")),
            )
            for each in one.get("parameters", ())
        ),
    )
    (status, answer), *_ = ((code, each) for code, each in one["responses"].items() if code.startswith("2"))
    parts = [f"\n### {one['operationId']}\n\n`{method} {path}`: {one['summary']}\n"]
    if parameters:
        parts.append(f"\n{parameters}")
    if "requestBody" in one:
        parts.append(f"\nBody: {_of(one['requestBody'])}.\n")
    parts.append(f"\nAnswer: {status}, {_of(answer)}.\n")
    return "".join(parts)


def _of(content: Mapping[str, Any]) -> str:
    return type_in_words(content["content"]["application/json"]["schema"], _named)


def _named(name: str) -> str:
    if name == "JsonValue":
        return "any JSON"
    return f"[{name}](#{name.lower()})"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    text = schema.get("description", "").replace("``", "`")
    if "enum" in schema:
        text = f"{text} One of {', '.join(map(code, schema['enum']))}.".strip()
    return f"\n### {name}\n\n{text}\n\n{table(('member', 'type', 'default', 'what it says'), _members(schema))}"


def _members(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    is_of_client = "auth_method" in schema.get("properties", {})
    for name, member in schema.get("properties", {}).items():
        default = "required" if name in schema.get("required", ()) else default_in_words(member.get("default"))
        text = member.get("description", "")
        if is_of_client and not text and name in ROWS:
            text = ROWS[name].member.help
        yield code(name), type_in_words(member, _named), default, text.replace("``", "`")
