"""The OpenAPI document of the admin API; that it is kept to is in ``test_admin_api_by_schema.py``."""

from openapi_spec_validator import validate

from service.admin.operations import OPERATIONS
from service.fronts.admin_api.openapi import document
from service.fronts.admin_api.routes import PREFIX, ROUTES
from tests.operators import TOKEN


def test_the_document_is_openapi_3_1() -> None:
    validate(document())


def test_every_operation_has_its_route_and_every_route_is_in_the_document() -> None:
    assert {route.operation.name for route in ROUTES} == {operation.name for operation in OPERATIONS}
    paths = document()["paths"]
    assert all(paths[PREFIX + route.path][route.method.lower()]["operationId"] for route in ROUTES)
    assert len({route.operation.name for route in ROUTES}) == len(ROUTES)


def test_the_document_holds_no_secret() -> None:
    assert TOKEN not in str(document())
