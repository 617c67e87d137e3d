"""The OpenAPI 3.1 document, derived from the table of routes and the models of the operations."""

from copy import deepcopy
from itertools import groupby
from operator import attrgetter
from typing import Any

from pydantic.json_schema import models_json_schema

from service import __version__
from service.fronts.admin_api import problems
from service.fronts.admin_api.routes import PREFIX, ROUTES, OperationRoute

_REF = "#/components/schemas/"
_ALWAYS = (
    *(problems.MALFORMED, problems.UNAUTHORIZED, problems.FORBIDDEN, problems.NOT_FOUND, problems.TOO_SLOW),
    *(problems.TOO_LARGE, problems.UNSUPPORTED, problems.REFUSED, problems.TOO_MANY, problems.INCIDENT),
    *(problems.TARGET_TOO_LONG, problems.HEADER_TOO_LONG, problems.UNAVAILABLE),
)
_WHERE_IT_WRITES = (problems.ALREADY_EXISTS, problems.CONTENDED)
_DESCRIPTION = """Everything that an operator can do; `mintmark --url` does it from a terminal.

Lists come in pages: send the `cursor` of one page to get the next, until it is empty. A page may be empty though more follow.

What is created is named by its caller, so a request whose answer got lost can be sent again: it is done once, and the second
answer is 409 `already_exists`. A secret that got lost with its answer is replaced by a new one."""


def document() -> dict[str, Any]:
    """Return the document of ``/openapi.json``."""
    schemas = _schemas()
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, schemas)
    _drop_members_in_path(schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mintmark admin API", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"certificate": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "One of the setting admin_tokens."},
                "certificate": {"type": "mutualTLS", "description": "Of the setting admin_client_ca_file."},
            },
            "schemas": schemas,
        },
    }


def _schemas() -> dict[str, Any]:
    """Return the schema of every model by its name."""
    inputs = {route.operation.input: ("validation") for route in ROUTES}
    outputs = {route.operation.output: ("serialization") for route in ROUTES}
    _, made = models_json_schema(
        [*inputs.items(), *outputs.items()],  # type: ignore[list-item]
        ref_template=_REF + "{model}",
    )
    return {**made["$defs"], "Problem": problems.SCHEMA}


def _operation(route: OperationRoute, schemas: dict[str, Any]) -> dict[str, Any]:
    operation = route.operation
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.text,
        "tags": [operation.name.partition(".")[0]],
        "responses": _responses(route),
    }
    if parameters := _parameters(route, schemas[operation.input.__name__]):
        described["parameters"] = parameters
    if route.has_body and route.other_members:
        body = {"schema": {"$ref": _REF + operation.input.__name__}}
        required = bool(set(schemas[operation.input.__name__].get("required", ())) - set(route.path_members))
        described["requestBody"] = {"required": required, "content": {"application/json": body}}
    return described


def _parameters(route: OperationRoute, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters in the path, in the query, and in the header If-Match."""
    members, required = schema.get("properties", {}), schema.get("required", ())
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": deepcopy(members[name])} for name in route.path_members
    ]
    if not route.has_body:
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": deepcopy(members[name])}
            for name in route.other_members
        ]
    if route.is_conditional:
        text = "The ETag as it was shown of what is to be changed, or to end; * = whatever it is now."
        parameter = {"name": "If-Match", "in": "header", "required": route.needs_match, "description": text}
        parameters.append({**parameter, "schema": {"type": "string"}})
    return parameters


def _responses(route: OperationRoute) -> dict[str, Any]:
    output = {"application/json": {"schema": {"$ref": _REF + route.operation.output.__name__}}}
    responses: dict[str, Any] = {str(route.status): {"description": "Done.", "content": output}}
    kinds = [*_ALWAYS, *(_WHERE_IT_WRITES if route.method != "GET" else ())]
    kinds += (problems.OUTDATED,) if route.is_conditional else ()
    kinds += (problems.MATCH_NEEDED,) if route.needs_match else ()
    problem = {problems.CONTENT_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}}
    for status, its in groupby(sorted(kinds), key=attrgetter("status")):
        responses[str(status)] = {"description": f"{'; '.join(kind.title for kind in its)}.", "content": problem}
    return responses


def _drop_members_in_path(schemas: dict[str, Any]) -> None:
    """Remove members that are in the path or in a header from the schemas of bodies."""
    for route in ROUTES:
        schema = schemas[route.operation.input.__name__]
        kept = {name: one for name, one in schema.get("properties", {}).items() if name in route.other_members}
        if route.has_body and kept:
            schema["properties"] = kept
            schema["required"] = [name for name in schema.get("required", ()) if name in kept]
            if not schema["required"]:
                del schema["required"]
    for route in ROUTES:
        if not (route.has_body and route.other_members):
            schemas.pop(route.operation.input.__name__, None)
