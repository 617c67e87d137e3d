"""Who gave access by the decision API is in the audit log, however often they do it; and what is not offered says so."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import pytest

from service.admin import audit
from service.fronts.decision_api import ROUTES
from service.observe.audit_sums import OWN_ENTRIES
from service.records.audit_entry import AuditEntry
from tests.deciding import API_KEY, API_SECRET, Backend
from tests.world import ALL_GRANT_TYPES, CALLBACK, SECRET, basic

TOKEN = {"grantType": "AUTHORIZATION_CODE", "clientId": "app", "subject": "alice"}


async def entries(caller: Backend) -> list[AuditEntry]:
    await audit.write_sums(caller.world.issuer)
    page = await audit.list_entries(caller.world.issuer, limit=1000)
    return [placed.entry for placed in page.rows]


async def _authorize(caller: Backend) -> None:
    query = {"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": "read"}
    asked = await caller.answer("/auth/authorization", parameters=urlencode(query))
    issued = await caller.answer("/auth/authorization/issue", ticket=asked["ticket"], subject="alice")
    assert issued["action"] == "LOCATION"


async def _ask(caller: Backend, **form: str) -> dict[str, str]:
    return await caller.answer("/auth/token", parameters=urlencode(form), clientId="app", clientSecret=SECRET)


async def _token(caller: Backend) -> None:
    assert (await _ask(caller, grant_type="client_credentials"))["action"] == "OK"


async def _password(caller: Backend) -> None:
    asked = await _ask(caller, grant_type="password", username="alice", password="wonderland")
    assert (await caller.answer("/auth/token/issue", ticket=asked["ticket"], subject="alice"))["action"] == "OK"


async def _create(caller: Backend) -> None:
    assert (await caller.answer("/auth/token/create", **TOKEN))["action"] == "OK"


async def _update(caller: Backend) -> None:
    made = await caller.answer("/auth/token/create", **TOKEN)
    assert (await caller.answer("/auth/token/update", accessToken=made["accessToken"], scopes=["read"]))[
        "action"
    ] == "OK"


async def _client(caller: Backend) -> None:
    assert (await caller.post("/client/create", {"grantTypes": ["CLIENT_CREDENTIALS"]})).status == 201


async def _change_client(caller: Backend) -> None:
    await caller.answer("/client/extension/requestable_scopes/update/app", requestableScopes=["read"])


async def _lock(caller: Backend) -> None:
    await caller.answer("/client/lock_flag/update/app", clientLocked=False)


async def _secret(caller: Backend) -> None:
    await caller.answer("/client/secret/update/app", clientSecret="another-secret-" + "x" * 30)


async def _new_secret(caller: Backend) -> None:
    response = await caller.http.get("/api/client/secret/refresh/app", headers=basic(API_KEY, API_SECRET))
    assert response.status == 200


async def _consent(caller: Backend) -> None:
    await caller.answer("/client/authorization/update/app", subject="alice", scopes=["read"])


GIVES_ACCESS: dict[str, tuple[str, Callable[[Backend], Awaitable[None]] | None]] = {
    "/auth/authorization/issue": ("authorization.issue", _authorize),
    "/auth/token": ("token.issue", _token),
    "/auth/token/issue": ("token.issue_for_password", _password),
    "/auth/token/create": ("token.create", _create),
    "/auth/token/update": ("token.update", _update),
    "/client/create": ("client.create", _client),
    "/client/update/{client}": ("client.update", None),
    "/client/extension/requestable_scopes/update/{client}": ("client.update", _change_client),
    "/client/extension/requestable_scopes/delete/{client}": ("client.update", None),
    "/client/lock_flag/update/{client}": ("client.enable", _lock),
    "/client/secret/update/{client}": ("client.rotate_secret", _secret),
    "/client/secret/refresh/{client}": ("client.rotate_secret", _new_secret),
    "/client/registration": ("client.create", None),
    "/client/registration/update": ("client.update", None),
    "/client/authorization/update/{client}": ("authorization.update", _consent),
    "/device/complete": ("device.complete", None),
    "/backchannel/authentication/complete": ("backchannel.complete", None),
}
"""The calls that give access, or more of it; None: what they call is tried by another one."""
NO_ACCESS = ("/get", "/delete", "/fail", "/revoke", "/revocation", "/introspection", "/userinfo", "/service", "/jwks")


def test_every_call_is_known_to_give_access_or_not_to() -> None:
    """Whoever adds one says here which."""
    reads = {"/auth/authorization", "/pushed_auth_req", "/auth/introspection/standard", "/auth/userinfo/issue"}
    reads |= {"/device/authorization", "/device/verification"}
    reads |= {"/backchannel/authentication", "/backchannel/authentication/issue"}
    unknown = {
        route.path
        for route in ROUTES
        if route.path not in GIVES_ACCESS.keys() | reads and not any(word in route.path for word in NO_ACCESS)
    }
    assert not unknown
    assert GIVES_ACCESS.keys() <= {route.path for route in ROUTES}


@pytest.mark.parametrize("path", [path for path, (_, call) in GIVES_ACCESS.items() if call])
async def test_a_call_that_gives_access_is_audited_under_the_api_key(caller: Backend, path: str) -> None:
    action, call = GIVES_ACCESS[path]
    await caller.world.client(grant_types=ALL_GRANT_TYPES)
    assert call is not None
    await call(caller)
    (entry,) = [one for one in await entries(caller) if one.action == action]
    assert (entry.actor, entry.way, entry.address, entry.result) == (API_KEY, "decision_api", "127.0.0.1", "ok")
    assert path == "/client/create" or "client:app" in entry.targets or entry.targets[0].startswith("grant:")


async def test_what_is_done_often_is_summed(caller: Backend) -> None:
    """The first ones of a minute one by one, with the person; the others together. None is lost, and there are few."""
    await caller.world.client(grant_types=ALL_GRANT_TYPES)
    for n in range(4 * OWN_ENTRIES):
        await caller.answer("/auth/token/create", **{**TOKEN, "subject": f"user-{n}"})
    made = [entry for entry in await entries(caller) if entry.action == "token.create"]
    assert sum(entry.count for entry in made) == 4 * OWN_ENTRIES
    assert len(made) <= 2 * OWN_ENTRIES + 1  # where a minute ends in between, ten more
    assert {f"user:user-{n}" for n in range(4 * OWN_ENTRIES)} == {
        target for entry in made for target in entry.targets if target.startswith("user:")
    }


async def test_what_is_refused_is_audited_too(caller: Backend) -> None:
    await caller.world.client(grant_types=())
    assert (await caller.answer("/auth/token/create", **TOKEN))["action"] == "FORBIDDEN"
    (entry,) = await entries(caller)
    assert (entry.result, entry.why) == (
        "refused",
        "client app is not registered for the grant type authorization_code",
    )


async def test_the_log_line_names_the_api_key(caller: Backend, caplog: pytest.LogCaptureFixture) -> None:
    await caller.world.client(grant_types=ALL_GRANT_TYPES)
    with caplog.at_level(logging.INFO):
        await _create(caller)
    (line,) = [record.__dict__ for record in caplog.records if record.getMessage() == "decision_api_call"]
    assert (line["api_key"], line["call"], line["subject"]) == (API_KEY, "/auth/token/create", "alice")
