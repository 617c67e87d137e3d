"""schemathesis against the OpenAPI document and a real service: no 500, no answer outside the schema, auth ignored nowhere.

Run by ``test_admin_api_by_schema.py``: to list these cases takes four seconds, which every test process would spend.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from service.fronts.admin_api.openapi import document
from service.fronts.admin_api.routes import PREFIX
from tests.cli.running_service import Serving
from tests.operators import TOKEN, TOKENS
from tests.redis_shapes import Shape
from tests.world import settings_for

schema = schemathesis.openapi.from_dict(document())
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance),
    *(response_schema_conformance, ignored_auth, unsupported_method),
]
THERE = {
    "client_id": (
        "web",
        "/clients",
        {"grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/cb"]},
    ),
    "username": ("alice", "/users", {}),
}
"""What is there whenever an operation about it is called."""
bounded = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
generated = settings(bounded, phases=(Phase.generate,))
"""Without the hundreds of border cases of each member, which the other test has."""


@pytest.fixture(scope="module")
def service(standalone_shape: Shape) -> Iterator[str]:
    """The URL of an operators' listener."""
    standalone_shape.flush()
    quiet = {"user_failures_allowed": 1_000_000, "client_failures_allowed": 1_000_000}
    serving = Serving(settings_for(standalone_shape.url, admin_port=0, admin_tokens=TOKENS, **quiet))
    yield serving.url
    serving.stop()


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    """One connection for thousands of calls."""
    with requests.Session() as session:
        yield session


@schema.parametrize()
@bounded
def test_anything_is_answered_as_the_document_says(case: Case[Any], service: str, http: requests.Session) -> None:
    case.call_and_validate(base_url=service, session=http, headers=AUTHORIZED, checks=CHECKS)


@schema.include(path_regex=r"\{(client_id|username)\}").parametrize()
@generated
def test_so_it_is_about_what_is_there(case: Case[Any], service: str, http: requests.Session) -> None:
    """Random names name nothing: here they name somebody."""
    for member in THERE.keys() & (case.path_parameters or {}).keys():
        name, path, others = THERE[member]
        http.post(f"{service}{PREFIX}{path}", json={member: name, **others}, headers=AUTHORIZED, timeout=10)
        case.path_parameters[member] = name
    if case.headers and "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    case.call_and_validate(base_url=service, session=http, headers=AUTHORIZED, checks=CHECKS)
