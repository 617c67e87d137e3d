"""Users whom only the backend of the decision API knows: operators find and end what they granted by their subjects."""

from dataclasses import replace

import pytest

from service.admin import grants, sessions, users
from service.admin.errors import NotFound
from service.admin.users import UserInput
from tests.console import Operator, operators_port, text_of
from tests.deciding import KEYS, Backend
from tests.fronts.decision_api.token_administering import app, create
from tests.world import settings_for


async def test_grants_of_an_unknown_user_are_found_and_ended(caller: Backend) -> None:
    """Also where the settings name no backend: a trusted issuer may have asserted the subject."""
    issuer = replace(caller.world.issuer, settings=settings_for(caller.world.redis.url))
    await app(caller.world)
    await create(caller, subject="zoe")
    with pytest.raises(NotFound):
        await users.get_user(issuer, "zoe")
    assert [one.grant.subject for one in (await grants.list_of_user(issuer, "zoe")).rows] == ["zoe"]
    assert (await sessions.list_sessions(issuer, "zoe")).rows == []
    assert await grants.revoke_of_user(issuer, "zoe") == 1
    await create(caller, subject="zoe")
    assert (await users.sign_out_user(issuer, "zoe")).counts["grants_ended"] == 1
    with pytest.raises(NotFound, match="no user 'zoe'"):
        await grants.list_of_user(issuer, "zoe")
    with_backend = replace(issuer, settings=settings_for(caller.world.redis.url, decision_api_keys=KEYS, admin_port=0))
    assert (await users.sign_out_user(with_backend, "zoe")).counts["grants_ended"] == 0


async def test_the_console_links_to_users_that_have_a_page(caller: Backend) -> None:
    world = caller.world
    await app(world)
    await users.create_user(world.issuer, UserInput(username="Alice", subject="alice"))
    for subject in ("zoe", "alice"):
        await create(caller, subject=subject)
    async with operators_port(world) as port:
        operator = Operator(world, port)
        await operator.sign_in()
        listed = await operator.get("/console/grants", client="4711")
        assert "zoe" in text_of(listed)
        assert "name=zoe" not in listed.text
        assert "/console/user?name=Alice" in listed.text
        (zoes,) = (await grants.list_of_user(world.issuer, "zoe")).rows
        shown = await operator.get("/console/grant", id=zoes.grant_id)
        assert ("zoe" in text_of(shown), "/console/user?" in shown.text) == (True, False)
        (hers,) = (await grants.list_of_user(world.issuer, "Alice")).rows
        assert "/console/user?name=Alice" in (await operator.get("/console/grant", id=hers.grant_id)).text
        assert "The grant is revoked." in text_of(await operator.post("/console/grant/revoke", id=zoes.grant_id))
