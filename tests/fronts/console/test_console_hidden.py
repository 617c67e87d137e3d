"""Characters at the console that cannot be seen, or that change the order of others: shown as what they are."""

import re
from pathlib import Path

import pytest

import service.fronts.console
from service.admin import clients, users
from service.admin.resources import ResourceInput, create_resource, list_resources
from service.admin.users import UserInput
from tests.client_members import form_of
from tests.console import Operator, text_of

HIDDEN = "ab\u202ecd\u2066\u200b"
SPELLED = r"ab\u202ecd\u2066\u200b"


async def test_what_is_shown_has_no_hidden_characters(alice: Operator) -> None:
    issuer = alice.world.issuer
    await alice.world.client(name=HIDDEN, description=HIDDEN, contacts=[HIDDEN])
    await users.create_user(issuer, UserInput(username=HIDDEN, subject="u", claims={"name": HIDDEN, HIDDEN: [HIDDEN]}))
    await create_resource(issuer, ResourceInput(resource="mcp", name=HIDDEN))
    pages = [await alice.get(path) for path in ("/console/users", "/console/clients", "/console/resources")]
    pages += [await alice.get("/console/client", id="app"), await alice.get("/console/user", name=HIDDEN)]
    pages += [await alice.get("/console/user/act", name=HIDDEN, act="delete")]
    pages += [await alice.get("/console/user/claims", name=HIDDEN)]
    for shown in pages:
        assert (shown.status, SPELLED in text_of(shown)) == (200, True), text_of(shown)
        assert not set(re.sub(r'(value|data-copy)="[^"]*"', "", shown.text)) & set("\u202e\u2066\u200b")


async def test_what_forms_send_back_stays_as_it_was(alice: Operator) -> None:
    issuer = alice.world.issuer
    await alice.world.client(name="App", description=HIDDEN)
    form = form_of(await alice.get("/console/client/edit", id="app"))
    assert form["description"] == HIDDEN
    await alice.send("/console/client/edit", **form)
    assert (await clients.get_client(issuer, "app")).description == HIDDEN
    await create_resource(issuer, ResourceInput(resource="mcp", name=HIDDEN))
    await alice.send("/console/resources/edit", **form_of(await alice.get("/console/resources/edit", id="mcp")))
    assert (await list_resources(issuer))[0].name == HIDDEN


@pytest.mark.parametrize("typed", [HIDDEN, SPELLED])
async def test_who_has_such_a_name_is_deleted_by_what_is_shown(alice: Operator, typed: str) -> None:
    await users.create_user(alice.world.issuer, UserInput(username=HIDDEN, subject="u"))
    deleted = await alice.post("/console/user/act", name=HIDDEN, act="delete", typed=typed)
    assert f"The user {SPELLED} is deleted" in text_of(deleted)


def test_every_value_that_a_form_sends_back_is_marked() -> None:
    for template in (Path(service.fronts.console.__file__).parent / "templates").iterdir():
        values = re.findall(r'(?:value|data-copy|data-word)="(\{\{.*?\}\})"', template.read_text("utf-8"))
        assert [one for one in values if not one.endswith("| e }}")] == [], template.name
