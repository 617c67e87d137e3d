"""Refused calls of the decision API: named by their client, counted by reason, and kept for operators."""

from typing import Any

import orjson
import pytest

from service.admin import refusals
from service.admin.refusals import RefusalFilter
from service.observe.log import configure
from tests.deciding import Backend

pytestmark = pytest.mark.usefixtures("own_log")

REPEATED = "a=1&client_id=ap%70&a=2"
ELSEWHERE = "client_id=app&redirect_uri=https://evil.example/"
BASIC = {"clientId": "app", "clientSecret": "x"}
CODE = "grant_type=authorization_code&code=mm_ac_x&client_id=app"


@pytest.mark.parametrize(
    ("call", "members", "found"),
    [
        ("/auth/token", {"parameters": CODE}, "decision_api invalid_client wrong_client_auth_method app"),
        ("/auth/token", {"parameters": "client_id=app"}, "decision_api invalid_request parameter_missing app"),
        ("/auth/token", {"parameters": "x=1&x=2", **BASIC}, "decision_api invalid_request parameter_repeated app"),
        ("/auth/revocation", {"parameters": REPEATED}, "decision_api invalid_request parameter_repeated app"),
        ("/auth/authorization", {"parameters": REPEATED}, "authorize invalid_request parameter_repeated app"),
        ("/auth/authorization", {"parameters": ELSEWHERE}, "authorize invalid_request redirect_uri_not_registered app"),
        ("/auth/introspection", {"token": "mm_at_x"}, "decision_api invalid_token access_token_unusable "),
        ("/auth/userinfo", {}, "decision_api invalid_request token_missing "),
        ("/auth/authorization/fail", {"ticket": "x", "reason": "DENIED"}, "decision_api invalid_request ticket_over "),
    ],
)
async def test_a_refused_call_is_kept_and_names_its_client(
    caller: Backend, capsys: pytest.CaptureFixture[str], call: str, members: dict[str, Any], found: str
) -> None:
    configure("INFO", "json")
    await caller.world.client()
    capsys.readouterr()
    await caller.answer(call, **members)
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    decision = next(line for line in lines if line["event"] == "decision_api_call")
    assert decision.get("client_id", "") == found.split(" ")[-1]
    assert await kept(caller) == [tuple(found.split(" "))]


async def test_what_a_token_lacks_is_said_of_its_client(caller: Backend) -> None:
    token = (await caller.world.tokens(await caller.world.client()))["access_token"]
    await caller.answer("/auth/introspection", token=token, scopes=["admin"])
    assert await kept(caller) == [("decision_api", "insufficient_scope", "scope_insufficient", "app")]


async def test_what_the_caller_refuses_is_said_of_the_client_of_the_ticket(caller: Backend) -> None:
    await caller.world.client(auth_method="none", grant_types=("password",))
    asked = await caller.answer(
        "/auth/token", parameters="grant_type=password&username=alice&password=x&client_id=app&scope=read"
    )
    await caller.answer("/auth/token/fail", ticket=asked["ticket"], reason="INVALID_RESOURCE_OWNER_CREDENTIALS")
    assert await kept(caller) == [("decision_api", "invalid_grant", "backend_refused", "app")]


async def kept(caller: Backend) -> list[tuple[str, str, str, str]]:
    """What operators see."""
    issuer = caller.world.issuer
    await refusals.write_refused(issuer)
    page = await refusals.list_refused(issuer, RefusalFilter())
    return [(one.endpoint, one.error, one.reason, one.client_id) for _, one in page.rows]
