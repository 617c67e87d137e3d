"""JSON Schemas of types of authorization details: what a reference may lead to is known at the start (RFC 9396 section 2.1)."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.settings.details_types import DetailsType

NODE = {"properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}

NODE_OF_NAME = {"properties": {"name": {"type": "string"}}}


def within(schema: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"a": schema}, "title": "text", "$defs": {"b": {"$ref": "#/properties/a"}}, "x": {"type": 5}}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(within({"$ref": "#/$defs/nothing"}), id="nothing"),
        pytest.param(within({"items": {"anyOf": [{}, {"$ref": "#/$defs/b/nothing"}]}}), id="nothing, deep"),
        pytest.param(within({"$ref": "#nothing"}), id="no such anchor"),
        pytest.param(within({"$dynamicRef": "#nothing"}), id="no such dynamic anchor"),
        pytest.param(within({"$ref": "#/title"}), id="a text"),
        pytest.param(within({"$ref": "#/title/0"}), id="a part of a text"),
        pytest.param(within({"$ref": "#/properties/a/$ref/~"}), id="no pointer"),
        pytest.param(within({"$ref": "#/x"}), id="an object that is no schema"),
        pytest.param(within({"$ref": "#/y"}) | {"y": {"items": {"$ref": "#/z"}}}, id="nothing, by way of something"),
        pytest.param(within({"$id": "https://x.example/", "items": {"$ref": "#/$defs/b"}}), id="with another base"),
    ],
)
def test_a_reference_that_leads_to_no_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="which is no schema in it"):
        DetailsType(json_schema=schema)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"$ref": "#"}, id="itself"),
        pytest.param(within({"$ref": "#/properties/a"}), id="itself, within"),
        pytest.param(within({"$ref": "#/$defs/b"}), id="each other"),
        pytest.param(within({"if": {"not": {"oneOf": [True, {"$ref": "#/$defs/b"}]}}}), id="by way of others"),
        pytest.param(within({"dependentSchemas": {"c": {"$ref": "#/$defs/b"}}}), id="where a member is there"),
    ],
)
def test_a_reference_without_end_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="refers to itself without end"):
        DetailsType(json_schema=schema)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"$ref": "#/$defs/node", "$defs": {"node": NODE}}, id="a list"),
        pytest.param(NODE | {"$defs": {"node": {"$ref": "#"}}}, id="by way of the whole"),
        pytest.param(
            {"properties": {"next": {"$ref": "#n"}, "name": {"type": "string"}}, "$anchor": "n"}, id="an anchor"
        ),
        pytest.param(
            {
                "$dynamicAnchor": "n",
                "properties": {"next": {"$dynamicRef": "#n"}, "name": {"type": "string"}, "$ref": {"type": "string"}},
            },
            id="a dynamic anchor, and a member that is called so",
        ),
        pytest.param(
            {"properties": {"next": {"$id": "https://x.example/", "$ref": "#/$defs/n", "$defs": {"n": NODE_OF_NAME}}}},
            id="another base",
        ),
    ],
)
def test_a_schema_may_refer_to_itself_for_what_is_within(schema: dict[str, Any]) -> None:
    validator = DetailsType(json_schema=schema).validator
    assert validator.is_valid({"next": {"name": "a"}})
    assert not validator.is_valid({"next": {"name": 1}})
