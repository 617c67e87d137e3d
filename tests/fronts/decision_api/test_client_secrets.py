"""Secrets of clients by the decision API: refreshed, set, never read."""

import pytest
from authlete.api import AuthleteApiException

from tests.deciding import API_KEY, API_SECRET, Backend
from tests.world import basic


async def test_secrets_are_refreshed_and_set(caller: Backend) -> None:
    """Authlete tier 2, client secret refresh and update: the old one ends at once, and is not told."""
    world = caller.world
    await world.client()
    renewed = await caller.ask("refreshClientSecret", "app")
    assert renewed.oldClientSecret is None
    assert (await world.token(grant_type="client_credentials")).status == 401
    form = {"grant_type": "client_credentials"}
    assert (await world.post("/token", form, "app", renewed.newClientSecret)).status == 200
    answer = await caller.answer("/client/secret/update/app", clientSecret="a secret of their own")
    assert answer["newClientSecret"] == "a secret of their own"
    assert (await world.post("/token", form, "app", renewed.newClientSecret)).status == 401
    assert (await world.post("/token", form, "app", "a secret of their own")).status == 200


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)]
)
async def test_a_page_of_another_site_changes_no_secret(caller: Backend, site: str, status: int) -> None:
    """Authlete tier 2, client secret refresh: it is a GET, and a browser may remember the credentials for it."""
    await caller.world.client()
    headers = basic(API_KEY, API_SECRET) | {"Sec-Fetch-Site": site}
    response = await caller.http.get("/api/client/secret/refresh/app", headers=headers)
    assert response.status == status
    unchanged = (await caller.world.token(grant_type="client_credentials")).status == 200
    assert unchanged is (status == 403)


async def test_the_sdk_cannot_send_a_secret_but_the_call_is_there(caller: Backend) -> None:
    """Authlete tier 2, client secret update: version 1.3.0 of the SDK fails before it sends anything."""
    await caller.world.client()
    with pytest.raises(AttributeError):
        await caller.ask("updateClientSecret", "app", "a secret of their own")


@pytest.mark.parametrize("secret", ["short", "", "ä" * 20, "a" * 2000, 7, None, ["x"]])
async def test_a_secret_that_is_none(caller: Backend, secret: object) -> None:
    """Authlete tier 2, client secret update."""
    await caller.world.client()
    response = await caller.post("/client/secret/update/app", {"clientSecret": secret})
    assert response.status == 400
    assert (await caller.world.token(grant_type="client_credentials")).status == 200


async def test_a_public_client_has_no_secret_to_refresh(caller: Backend) -> None:
    """Authlete tier 2, client secret refresh."""
    await caller.world.public_client()
    with pytest.raises(AuthleteApiException):
        await caller.ask("refreshClientSecret", "phone")
