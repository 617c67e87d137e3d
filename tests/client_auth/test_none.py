"""Public clients only say who they are (RFC 6749 section 2.1)."""

import pytest

from tests.world import CALLBACK, World, basic, error_of


def _redemption(code: str, **more: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | more


async def test_a_public_client_must_say_who_it_is(world: World) -> None:
    """IT-12, WM-06."""
    code = await world.code(await world.public_client())
    assert await error_of(await world.post("/token", _redemption(code), None)) == (401, "invalid_client")
    assert (await world.post("/token", _redemption(code, client_id="phone"), None)).status == 200


@pytest.mark.parametrize("name", ["phone", "my-phone"])
async def test_its_client_id_and_its_alias_do(world: World, name: str) -> None:
    """AU-26."""
    code = await world.code(await world.public_client(alias="my-phone"))
    assert (await world.post("/token", _redemption(code, client_id=name), None)).status == 200


async def test_a_name_nobody_has_is_refused_like_any_other(world: World) -> None:
    for client_id in ("ghost", "{phone}", "p" * 300):
        response = await world.post("/token", _redemption("x", client_id=client_id), None)
        assert await error_of(response) == (401, "invalid_client")


async def test_an_empty_secret_is_no_secret(world: World) -> None:
    """RFC 6749 section 3.1: a parameter without a value is as if omitted."""
    code = await world.code(await world.public_client())
    response = await world.post("/token", _redemption(code, client_id="phone", client_secret=""), None)
    assert response.status == 200


async def test_a_public_client_does_not_pass_with_a_secret_that_nobody_checks(world: World) -> None:
    """AU-33: the registered method is the only one."""
    code = await world.code(await world.public_client())
    response = await world.http.post("/token", data=_redemption(code), headers=basic("phone", ""))
    assert await error_of(response) == (401, "invalid_client")
    response = await world.post("/token", _redemption(code, client_id="phone", client_secret="x"), None)
    assert await error_of(response) == (401, "invalid_client")


async def test_a_public_client_cannot_introspect(world: World) -> None:
    """RFC 7662 section 2.1: asking about tokens needs authentication."""
    phone = await world.public_client()
    response = await world.post("/token", _redemption(await world.code(phone), client_id="phone"), None)
    token = (await response.json())["access_token"]
    asked = await world.post("/introspect", {"token": token, "client_id": "phone"}, None)
    assert await error_of(asked) == (401, "invalid_client")
