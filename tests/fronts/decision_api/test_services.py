"""The service as Authlete's Service object: read only (Authlete tier 2)."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from authlete.api import AuthleteApiException
from authlete.dto import Service

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.deciding import API_KEY, API_SECRET, OTHER_KEY, Backend
from tests.world import World, settings_for


def owner(caller: Backend, *, version: str | None = None) -> object:
    """The SDK as the owner of the service: with its API key."""
    sdk = caller.sdk_of(API_KEY, API_SECRET, version=version)
    sdk._serviceOwnerCredentials = (API_KEY, API_SECRET)
    return sdk


@pytest.mark.parametrize("version", [None, "V3"])
async def test_the_service_tells_what_its_documents_tell(caller: Backend, version: str | None) -> None:
    """Authlete tier 2, service get: the metadata document by other names."""
    service = await caller.ask("getService", API_KEY, sdk=owner(caller, version=version))
    issuer = caller.world.issuer
    assert (service.issuer, service.tokenEndpoint) == (issuer.url, issuer.url + "/token")
    assert service.accessTokenDuration == issuer.settings.access_token_lifetime
    assert "AUTHORIZATION_CODE" in {one.name for one in service.supportedGrantTypes}
    assert "openid" in {one.name for one in service.supportedScopes}
    assert "s" * 43 not in service.to_json()


async def test_there_is_one_service(caller: Backend) -> None:
    """Authlete tier 2, service list."""
    page = await caller.ask("getServiceList", sdk=owner(caller))
    assert (page.totalCount, len(page.services)) == (1, 1)
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask("getService", OTHER_KEY, sdk=owner(caller))
    assert "M000004" in str(refused.value)


@pytest.mark.parametrize("version", [None, "V3"])
@pytest.mark.parametrize("call", ["createService", "updateService", "deleteService"])
async def test_the_settings_are_the_service(caller: Backend, call: str, version: str | None) -> None:
    """Authlete tier 2, service create, update, delete: refused, and the reason is told."""
    service = Service()
    service.apiKey = 7
    argument = API_KEY if call == "deleteService" else service
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask(call, argument, sdk=owner(caller, version=version))
    assert "settings" in str(refused.value)


async def test_an_api_key_that_is_a_number_is_the_id_of_the_service(world: World) -> None:
    """Where Authlete's SDKs for version 3 put it: in every path, and as a number in the service itself."""
    secret = "n" * 43
    settings = settings_for(world.redis.url, admin_port=0, decision_api_keys={"1234567": secret})
    async with (
        open_issuer(settings) as issuer,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as http,
    ):
        bearer = {"Authorization": f"Bearer {secret}"}
        for path in ("/api/1234567/service/get", "/api/service/get/1234567"):
            service = await (await http.get(path, headers=bearer)).json()
            assert service["apiKey"] == 1234567
        listed = await (await http.get("/api/service/get/list", headers=bearer)).json()
        assert [one["apiKey"] for one in listed["services"]] == [1234567]
        created = await http.post(
            "/api/1234567/client/create", json={"grantTypes": ["CLIENT_CREDENTIALS"]}, headers=bearer
        )
        number = (await created.json())["clientId"]
        assert (await http.get(f"/api/1234567/client/get/{number}", headers=bearer)).status == 200
        assert (await http.get(f"/api/7654321/client/get/{number}", headers=bearer)).status == 401
