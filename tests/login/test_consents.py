"""What is remembered of consent, and for whom it does not count: apps that another one could pass for (RFC 8252 8.6)."""

from typing import Any

import pytest

from service.protocol.names import ApplicationType
from tests.person import Person
from tests.world import CALLBACK, World

APP, LOOPBACK = "com.example.app:/callback", "http://127.0.0.1/callback"
NATIVE: dict[str, Any] = {"application_type": ApplicationType.NATIVE}


@pytest.fixture
async def person(world: World) -> Person:
    await world.user()
    await world.openid_client()
    return Person(world)


async def _registered(world: World, uri: str, *, public: bool, **changes: Any) -> None:
    client = await world.openid_client("phone", redirect_uris=(uri,), **changes)
    if public:
        await world.change(client, auth_method="none", secrets=())


@pytest.mark.parametrize(
    ("registered", "asked", "public", "changes"),
    [
        pytest.param(APP, APP, True, NATIVE, id="private-use scheme"),
        pytest.param(LOOPBACK, "http://127.0.0.1:51234/callback", True, NATIVE, id="loopback, any port"),
        pytest.param("http://[::1]/callback", "http://[::1]:8765/callback", True, NATIVE, id="loopback, IPv6"),
        pytest.param("http://localhost:8000/cb", "http://localhost:8000/cb", True, {}, id="localhost"),
        pytest.param(APP, APP, False, {}, id="private-use scheme with a secret that every copy holds"),
        pytest.param(LOOPBACK, LOOPBACK, False, NATIVE, id="loopback, native with a secret"),
        pytest.param(APP, APP, True, {**NATIVE, "skip_consent": True}, id="the operator's own app"),
    ],
)
async def test_native_apps_get_nothing_without_the_person(
    person: Person, registered: str, asked: str, public: bool, changes: dict[str, Any]
) -> None:
    """Any app on the device can ask in another one's name: silence gives it nothing, a yes of before neither."""
    await _registered(person.world, registered, public=public, **changes)
    first = await person.sign_in("phone", redirect_uri=asked)
    assert "code" in first.answer
    silent = await person.authorize("phone", redirect_uri=asked, prompt="none")
    assert (silent.error, "code" in silent.answer) == ("consent_required", False)
    again = await person.authorize("phone", redirect_uri=asked)
    assert again.action == "/consent"
    assert "code" in (await person.agree(again)).answer
    async with person.world.having(silent_native_apps=True) as lenient:
        person.world = lenient
        assert "code" in (await person.authorize("phone", redirect_uri=asked, prompt="none")).answer


@pytest.mark.parametrize(
    ("registered", "public"),
    [
        pytest.param(CALLBACK, True, id="an app with a claimed https address"),
        pytest.param("http://localhost:8000/cb", False, id="a web server in development, with its secret"),
    ],
)
async def test_who_cannot_be_mistaken_need_not_ask_again(person: Person, registered: str, public: bool) -> None:
    await _registered(person.world, registered, public=public)
    await person.sign_in("phone", redirect_uri=registered)
    assert "code" in (await person.authorize("phone", redirect_uri=registered, prompt="none")).answer


async def test_tokens_in_the_answer_need_no_secret(person: Person) -> None:
    """A web server in development proves itself when it redeems a code; an ID token in the URL is for whoever listens."""
    await _registered(person.world, "http://localhost:8000/cb", public=False)
    asked = {"redirect_uri": "http://localhost:8000/cb", "response_type": "id_token"}
    await person.sign_in("phone", **asked)
    assert (await person.authorize("phone", prompt="none", **asked)).error == "consent_required"
