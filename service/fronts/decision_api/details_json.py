"""Conversion of authorization details from and to Authlete's AuthzDetails: common members, and the others as a text."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator, Field

from service.fronts.decision_api.body import JsonObject, Text, Words, as_json
from service.fronts.decision_api.call import Body
from service.issuer import Issuer
from service.protocol.authorization_details import NAME, Detail, parse
from service.records.client import Client
from service.tokens.members.authorization_details import check

_COMMON = {
    "type": "type",
    "locations": "locations",
    "actions": "actions",
    "datatypes": "dataTypes",
    "identifier": "identifier",
    "privileges": "privileges",
}
"""Members that AuthzDetails has too, with its names for them."""


class DetailsElement(Body):
    """One element of the details."""

    type: Text = ""
    locations: Words | None = None
    actions: Words | None = None
    data_types: Words | None = None
    identifier: Text | None = None
    privileges: Words | None = None
    other_fields: JsonObject = Field(default_factory=dict)


class DetailsBody(Body):
    """All elements of the details."""

    elements: Annotated[tuple[DetailsElement, ...], BeforeValidator(as_json)] = ()


OptionalDetails = Annotated[DetailsBody | None, BeforeValidator(as_json)]


def details_json(members: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the details in the members of a grant or a response, None where there are none."""
    details = (members or {}).get(NAME)
    return {"elements": [_element(one) for one in details]} if details else None


def read_details(issuer: Issuer, client: Client, body: DetailsBody) -> Sequence[Detail]:
    """Return the details that a caller grants. Raises InvalidAuthorizationDetails where the client may not have them."""
    details = parse(orjson.dumps([_detail(one) for one in body.elements]).decode())
    check(issuer, client, details)
    return details


def _element(detail: Detail) -> dict[str, Any]:
    named = {name: value for name, value in detail.items() if name in _COMMON}
    if not isinstance(named.get("identifier", ""), str):
        del named["identifier"]
    others = {name: value for name, value in detail.items() if name not in named}
    element = {_COMMON[name]: value for name, value in named.items()}
    return element | ({"otherFields": orjson.dumps(others).decode()} if others else {})


def _detail(element: DetailsElement) -> Detail:
    own = {
        "locations": element.locations,
        "actions": element.actions,
        "datatypes": element.data_types,
        "identifier": element.identifier,
        "privileges": element.privileges,
    }
    return (
        element.other_fields
        | {"type": element.type}
        | {name: value for name, value in own.items() if value is not None}
    )
