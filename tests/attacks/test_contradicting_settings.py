"""Settings that would open a hole or tell a secret are refused, and the refusal tells none either."""

from typing import Any

import pytest

from service.app import make_server
from service.fronts import browser, oauth
from service.fronts.health import Health
from service.settings import SettingsError, load
from tests.world import World


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"redis_url": "redis://127.0.0.1/0?password=hunter2"}, "passwords stand before @"),
        ({"redis_url": "redis+sentinel://127.0.0.1/main#hunter2"}, "passwords stand before @"),
        ({"token_paths": ("/%74oken",)}, "must be one or more plain paths"),
        ({"token_paths": ("/to}ken",)}, "must be one or more plain paths"),
        ({"token_paths": ("//token",)}, "must be one or more plain paths"),
        ({"issuer": "https://root:hunter2@mint.example"}, "without user name, password and spaces"),
        ({"require_signed_request_object": True, "request_objects": "off"}, "no request could be answered"),
        ({"issuer": "https://mint .example"}, "without user name, password and spaces"),
    ],
)
def test_they_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        load(**settings)
    assert "hunter2" not in str(caught.value)


async def test_every_other_path_is_taken(world: World) -> None:
    """A token endpoint where something else is would hide it: the service does not start, whether that is on or not."""
    changed = world.with_settings(registration="open").issuer
    served = {*oauth.handlers(changed), *browser.Front(changed).handlers(), *Health(changed).handlers()}
    assert {"/introspect", "/register", "/livez", "/.well-known/openid-configuration"} <= served
    for path in served - {"/token", "/"}:
        with pytest.raises(SettingsError, match=f"token_paths: {path}: there is something else"):
            make_server(world.with_settings(token_paths=("/token", path), admin_port=0).issuer)
