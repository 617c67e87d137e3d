"""client_secret: the same secret by HTTP Basic or in the form, one at a time."""

from typing import Any

import orjson
import pytest

from service.admin import clients, registration
from service.admin.client_input import ClientInput
from service.client_auth import names_of_method
from service.crypto.passwords import hash_generated
from service.endpoints import discovery
from service.protocol.names import ClientAuthMethod
from service.records.client import ClientSecret
from tests.world import SECRET, World, basic, error_of

GRANT = {"grant_type": "client_credentials"}
POST = {"client_id": "app", "client_secret": SECRET}
BASIC = basic("app")["Authorization"]


@pytest.mark.parametrize(
    ("header", "form", "outcome"),
    [
        pytest.param(BASIC, {}, 200, id="by HTTP Basic"),
        pytest.param(None, POST, 200, id="in the form"),
        pytest.param(BASIC, POST, (400, "invalid_request"), id="both at once"),
        pytest.param(basic("app", "wrong")["Authorization"], {}, (401, "invalid_client"), id="wrong by Basic"),
        pytest.param(None, POST | {"client_secret": "wrong"}, (401, "invalid_client"), id="wrong in the form"),
        pytest.param(None, {"client_id": "app"}, (401, "invalid_client"), id="no secret"),
    ],
)
async def test_the_library_chooses_how_it_sends_the_secret(
    world: World, header: str | None, form: dict[str, str], outcome: Any
) -> None:
    await world.client(auth_method=ClientAuthMethod.CLIENT_SECRET)
    headers = {} if header is None else {"Authorization": header}
    response = await world.http.post("/token", data=GRANT | form, headers=headers)
    assert response.status == outcome if outcome == 200 else await error_of(response) == outcome


async def test_failures_are_counted_whichever_way_the_secret_came(world: World) -> None:
    async with world.having(client_failures_allowed=2) as other:
        imported = ClientSecret(await other.issuer.hashing.hash(SECRET))
        await other.client(auth_method=ClientAuthMethod.CLIENT_SECRET, secrets=(imported,))
        statuses = [
            (await other.http.post("/token", data=GRANT, headers=basic("app", "wrong"))).status,
            (await other.http.post("/token", data=GRANT | POST | {"client_secret": "wrong"})).status,
            (await other.http.post("/token", data=GRANT | POST | {"client_secret": "wrong"})).status,
        ]
        assert statuses[0] == 401
        assert statuses[-1] == 429


async def test_an_operator_gets_it_unless_something_else_is_said(world: World) -> None:
    given = ClientInput.read({"client_id": "cron", "grant_types": ["client_credentials"]})
    made = await clients.create_client(world.issuer, given)
    assert made.client.auth_method == ClientAuthMethod.CLIENT_SECRET
    assert (await clients.get_client(world.issuer, "cron")).auth_method == ClientAuthMethod.CLIENT_SECRET
    form = GRANT | {"client_id": "cron", "client_secret": made.secret or ""}
    assert (await world.http.post("/token", data=form)).status == 200
    assert names_of_method(made.client.auth_method) == "client_secret_basic or client_secret_post"


async def test_registration_and_discovery_keep_the_words_of_the_rfcs(world: World) -> None:
    """RFC 7591 section 2 knows client_secret_basic and client_secret_post; a client that says what it read keeps both."""
    client = await world.client(
        auth_method=ClientAuthMethod.CLIENT_SECRET, secrets=(ClientSecret(hash_generated(SECRET)),)
    )
    read = orjson.loads(orjson.dumps(registration.describe(world.issuer, client)))
    assert read["token_endpoint_auth_method"] == "client_secret_basic"
    assert "client_secret" not in discovery(world.issuer)["token_endpoint_auth_methods_supported"]
    read.pop("client_secret_expires_at")
    async with world.having(registration="open") as other:
        await registration.replace(other.issuer, client, read)
        assert (await clients.get_client(other.issuer, "app")).auth_method == ClientAuthMethod.CLIENT_SECRET
        await registration.replace(other.issuer, client, read | {"token_endpoint_auth_method": "client_secret_post"})
        assert (await clients.get_client(other.issuer, "app")).auth_method == ClientAuthMethod.CLIENT_SECRET_POST
        said = {"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret"}
        assert await error_of(await other.http.post("/register", json=said)) == (400, "invalid_client_metadata")
