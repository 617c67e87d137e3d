"""JSON schemas in words."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_WORDS = {"string": "text", "object": "object"}
_FORMATS = {"password": "secret", "path": "path", "date-time": "date and time"}
_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}

Name = Callable[[str], str]


def type_in_words(schema: Mapping[str, Any], named: Name, words: Mapping[str, str] = _WORDS) -> str:
    """The type of a value.

    Args:
        schema: Its JSON schema.
        named: What is said of a schema that this one refers to by its name, "" to spell it out (the caller resolved it).
        words: Names of plain types.
    """
    return ", or ".join(dict.fromkeys(_kinds(schema, named, words))) or "any JSON"


def _kinds(schema: Mapping[str, Any], named: Name, words: Mapping[str, str]) -> Iterator[str]:
    if "$ref" in schema:
        yield named(schema["$ref"].rpartition("/")[2])
    elif "anyOf" in schema or "oneOf" in schema:
        for one in schema.get("anyOf", schema.get("oneOf", ())):
            if one.get("type") != "null":
                yield from _kinds(one, named, words)
    elif "const" in schema or "enum" in schema:
        yield " · ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    elif schema.get("type") == "array":
        yield f"list of {type_in_words(schema.get('items', {}), named, words)}"
    elif schema.get("format") in _FORMATS:
        yield _FORMATS[schema["format"]]
    elif isinstance(schema.get("additionalProperties"), dict):
        yield f"{words['object']} of {type_in_words(schema['additionalProperties'], named, words)}"
    elif "type" in schema:
        bounds = (f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema)
        yield " ".join((words.get(schema["type"], schema["type"]), *bounds))


def default_in_words(value: object) -> str:
    """A default as it would be written; nothing where it says nothing."""
    if value is None or value in ("", (), {}, []):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
