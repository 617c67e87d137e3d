"""What strangers typed, wherever they did, is nowhere in Redis in clear; it may be a password in the wrong field."""

import json
from hashlib import sha256

import pytest

from service.protocol.pkce import s256
from tests.person import Person
from tests.world import CALLBACK, VERIFIER, World, basic

TYPED = "Hunter2secretPw"
LONG = "".join(sha256(bytes([number])).hexdigest() for number in range(60))
AUTHORIZE = {
    "client_id": "app",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
}
CHANGES: tuple[dict[str, str], ...] = (
    *({name: TYPED} for name in (*AUTHORIZE, "prompt", "max_age", "id_token_hint", "resource", "response_mode", TYPED)),
    {"request": TYPED},
    {"request_uri": f"https://{TYPED}"},
    {"state": TYPED, "nonce": TYPED, "login_hint": TYPED, "ui_locales": TYPED, "acr_values": TYPED},
    {"state": TYPED + LONG, "nonce": LONG[::-1] + TYPED, "login_hint": TYPED},  # too long for a browser to keep
    {"claims": json.dumps({"userinfo": {TYPED: None}})},
)
TOKEN: tuple[dict[str, str], ...] = (
    {"grant_type": TYPED},
    {"grant_type": "client_credentials", "scope": TYPED, "resource": f"https://{TYPED}"},
    {"grant_type": "password", "username": TYPED, "password": TYPED},
    {"grant_type": "authorization_code", "code": TYPED, "redirect_uri": TYPED, "code_verifier": TYPED},
    {"grant_type": "refresh_token", "refresh_token": TYPED},
    {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": TYPED},
)
PAGE = dict.fromkeys(("ticket", "csrf", "client_id", "id_token_hint", "post_logout_redirect_uri", "state"), TYPED)


@pytest.mark.parametrize("typed_as_a_name", [TYPED, f"alice {TYPED}"])
async def test_nothing_that_was_typed_is_in_redis(world: World, typed_as_a_name: str) -> None:
    await world.openid_client()
    await world.user()
    async with world.having(user_failures_allowed=1, client_failures_allowed=1) as strict:
        for change in CHANGES:
            for person in (Person(strict), Person(strict)):
                await person.get("/authorize", **AUTHORIZE | change)
                await person.post("/authorize", AUTHORIZE | change)
        for form in (*TOKEN, {**TOKEN[2], "username": typed_as_a_name}):
            for headers in (basic("app"), basic("app", TYPED), basic(TYPED, TYPED)):
                await strict.http.post("/token", data=form, headers=headers)
        for path in ("/introspect", "/revoke"):
            await strict.post(path, {"token": TYPED, "token_type_hint": TYPED})
        await strict.http.get("/userinfo", headers={"Authorization": f"Bearer {TYPED}"})
        cookies = "; ".join(f"mintmark_{name}={TYPED}" for name in ("session", "browser", "device"))
        for path in ("/login", "/consent", "/logout", "/applications", f"/{TYPED}"):
            for method in ("GET", "POST"):
                await strict.http.request(method, path, data=PAGE, headers={"Cookie": cookies, "X-Request-Id": TYPED})
        person = Person(strict)
        shown = await person.authorize()
        for _ in range(3):
            shown = await person.log_in(shown, typed_as_a_name, TYPED)
    everything = repr(world.redis.dump())
    assert "failures:user:" in everything
    assert ":request" in everything
    assert TYPED not in everything
