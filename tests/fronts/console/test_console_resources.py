"""Registered resources at the console: listed, made, changed, deleted."""

import pytest

from service.admin.resources import list_resources
from tests.client_members import form_of
from tests.console import Operator, text_of

MCP = "https://mcp.example/mcp"


async def test_a_resource_is_made_changed_and_deleted(alice: Operator) -> None:
    assert "No resource is registered" in text_of(await alice.get("/console/resources"))
    given = {"id": MCP, "scopes": "mcp:tools mcp:admin", "access_token_format": "jwt", "self_registered": "1"}
    assert "The resource is registered." in text_of(await alice.post("/console/resources/new", **given))
    assert (await alice.post("/console/resources/new", **given)).status == 422
    (made,) = await list_resources(alice.world.issuer)
    assert (made.scopes, made.access_token_format, made.self_registered) == (("mcp:tools", "mcp:admin"), "jwt", True)
    shown = await alice.get("/console/resources/edit", id=MCP)
    assert 'value="mcp:tools mcp:admin"' in shown.text
    assert "checked" in shown.text
    form = form_of(shown) | {"name": "Tools", "scopes": "mcp:tools", "access_token_lifetime": "600"}
    changes = form | {"access_token_format": "", "self_registered": ""}
    assert "Saved." in text_of(await alice.send("/console/resources/edit", **changes))
    (made,) = await list_resources(alice.world.issuer)
    assert (made.name, made.scopes, made.access_token_lifetime) == ("Tools", ("mcp:tools",), 600)
    assert (made.access_token_format, made.self_registered) == (None, False)
    assert (await alice.get("/console/resources/delete", id=MCP)).status == 200
    assert "is deleted" in text_of(await alice.post("/console/resources/delete", id=MCP))
    for path in ("edit", "delete"):
        assert (await alice.get(f"/console/resources/{path}", id=MCP)).status == 404


async def test_of_two_operators_none_undoes_the_change_of_the_other(alice: Operator, bob: Operator) -> None:
    """A form from before the resource was closed does not open it again."""
    await alice.post("/console/resources/new", id=MCP, self_registered="1")
    stale = form_of(await alice.get("/console/resources/edit", id=MCP))
    closing = {name: value for name, value in stale.items() if name not in ("self_registered", "csrf")}
    assert "Saved." in text_of(await bob.post("/console/resources/edit", **closing))
    shown = await alice.send("/console/resources/edit", **stale | {"name": "Tools"})
    assert (shown.status, "Another operator changed this resource" in text_of(shown)) == (409, True)
    assert "Name, Open to clients that registered themselves" in text_of(shown)
    (held,) = await list_resources(alice.world.issuer)
    assert (held.name, held.self_registered) == ("", False)
    assert "Saved." in text_of(await alice.send("/console/resources/edit", **form_of(shown)))
    (held,) = await list_resources(alice.world.issuer)
    assert (held.name, held.self_registered) == ("Tools", True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"id": ""}, "1 to 255"),
        ({"id": "a#b"}, "fragment"),
        ({"id": "a", "access_token_lifetime": "long"}, "access_token_lifetime"),
        ({"id": "a", "access_token_lifetime": "9" * 5000}, "access_token_lifetime"),
        ({"id": "a", "access_token_lifetime": "²"}, "access_token_lifetime"),
        ({"id": "a", "access_token_format": "x"}, "access_token_format"),
        ({"id": "a", "access_token_format": "opaque", "access_token_signing_alg": "ES256"}, "not signed"),
    ],
)
async def test_faults_of_a_resource(alice: Operator, given: dict[str, str], told: str) -> None:
    shown = await alice.post("/console/resources/new", **given)
    assert shown.status == 422
    assert told.replace("_", " ") in text_of(shown).lower() or told in text_of(shown), text_of(shown)
