"""The service as Authlete's Service object: read only (Authlete tier 2)."""

import pytest
from authlete.api import AuthleteApiException
from authlete.dto import Service

from tests.deciding import API_KEY, API_SECRET, OTHER_KEY, Backend


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
