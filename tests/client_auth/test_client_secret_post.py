"""client_id and client_secret in the body (RFC 6749 section 2.3.1)."""

from urllib.parse import urlencode

import pytest

from service.crypto.passwords import hash_generated
from service.protocol.names import ClientAuthMethod
from service.records.client import ClientSecret
from tests.world import FORM, SECRET, World, error_of

GRANT = {"grant_type": "client_credentials"}


async def test_a_secret_of_any_characters(world: World) -> None:
    """AU-33."""
    secret = "p:s+s %é&="
    await world.client(auth_method=ClientAuthMethod.CLIENT_SECRET_POST, secrets=(ClientSecret(hash_generated(secret)),))
    form = GRANT | {"client_id": "app", "client_secret": secret}
    assert (await world.post("/token", form, None)).status == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({"client_id": "app", "client_secret": "wrong"}, 401, "invalid_client", id="wrong"),
        pytest.param({"client_id": "app", "client_secret": "é" * 2000}, 401, "invalid_client", id="very long"),
        pytest.param({"client_id": "{app}", "client_secret": SECRET}, 401, "invalid_client", id="braces"),
        pytest.param({"client_id": "a" * 256, "client_secret": SECRET}, 401, "invalid_client", id="long client_id"),
        pytest.param({"client_id": "app", "client_secret": ""}, 401, "invalid_client", id="empty is absent"),
        pytest.param({"client_id": "", "client_secret": SECRET}, 400, "invalid_request", id="nobody's secret"),
        pytest.param({"client_id": "app", "client_secret": SECRET + "\x00"}, 400, "invalid_request", id="NUL"),
    ],
)
async def test_anything_else_is_refused(world: World, form: dict[str, str], status: int, error: str) -> None:
    await world.client(auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    assert await error_of(await world.post("/token", GRANT | form, None)) == (status, error)


async def test_a_secret_in_the_url_is_not_looked_at(world: World) -> None:
    """RFC 6749 section 2.3.1: it must not be there, where logs would keep it."""
    await world.client(auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    query = urlencode({"client_id": "app", "client_secret": SECRET})
    response = await world.http.post(f"/token?{query}", data=urlencode(GRANT), headers={"Content-Type": FORM})
    assert await error_of(response) == (401, "invalid_client")
