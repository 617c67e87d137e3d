"""/service/configuration and /service/jwks/get, driven by Authlete's SDK."""

import json

import pytest
from authlete.api import AuthleteApiException
from authlete.dto import ServiceConfigurationRequest

from tests.deciding import Backend, backend
from tests.world import World


async def test_the_configuration_is_that_of_discovery(caller: Backend) -> None:
    told = json.loads(await caller.ask("getServiceConfiguration"))
    published = await (await caller.world.http.get("/.well-known/openid-configuration")).json()
    del published["ui_locales_supported"]  # of our own pages
    assert told == published


async def test_a_patch_is_refused(caller: Backend) -> None:
    request = ServiceConfigurationRequest()
    request.patch = '[{"op":"add","path":"/issuer","value":"x"}]'
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask("getServiceConfiguration", request)
    assert refused.value.response.status_code == 400


async def test_public_keys(caller: Backend) -> None:
    told = json.loads(await caller.ask("getServiceJwks"))
    assert told == await (await caller.world.http.get("/jwks")).json()
    assert "\n" in await caller.ask("getServiceJwks", True)
    assert "\n" not in await caller.ask("getServiceJwks", False)


async def test_private_keys_never_leave(caller: Backend) -> None:
    """Refused, not ignored: whoever asks for them learns that there is no such thing."""
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask("getServiceJwks", True, True)
    assert refused.value.response.status_code == 400
    assert '"d"' not in refused.value.response.text


async def test_without_openid_connect_there_are_no_keys(world: World) -> None:
    async with backend(world, signing_key_files=()) as caller, world.with_part(keyring=None) as plain:
        plain_caller = backend(plain, signing_key_files=())
        async with plain_caller as without:
            assert json.loads(await without.ask("getServiceJwks")) == {"keys": []}
        assert json.loads(await caller.ask("getServiceJwks"))["keys"]
