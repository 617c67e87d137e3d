"""CONTRIBUTING.md says what the OpenID Foundation's suite needs where it registers clients: each setting, and nothing else."""

import re
from pathlib import Path

import pytest

from service.admin.registration import create_initial_access_token
from service.protocol.names import ClientAuthMethod
from tests.assertions import ISSUER, JWKS, Signer, proof
from tests.person import Person
from tests.world import CALLBACK, World, error_of

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
NEEDED = dict(re.findall(r"^\| `([a-z_]+)=([a-z_, ]+)` \|", TEXT, re.MULTILINE))
ALL = {"registration", "assertion_audience", "registration_response_types", "self_registered_redirects"}
ALL_RESPONSE_TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
METADATA = {
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "implicit"],
    "response_types": ALL_RESPONSE_TYPES,
    "token_endpoint_auth_method": ClientAuthMethod.PRIVATE_KEY_JWT.value,
    "jwks": JWKS,
}


async def _felt(world: World, token: str = "") -> set[str]:
    """The settings whose effect a client of the suite feels, which registers, waits for an error and sends an assertion."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = await world.http.post("/register", json=METADATA, headers=headers)
    if response.status != 201:
        return set()
    made = await response.json()
    felt = {"registration"}
    if made["response_types"] == ALL_RESPONSE_TYPES:
        felt.add("registration_response_types")
    error = await Person(world).authorize(made["client_id"], scope="openid", prompt="none")
    if error.location.startswith(CALLBACK):
        felt.add("self_registered_redirects")
    assertion = proof(Signer(subject=made["client_id"]).sign(aud=ISSUER + "/token"))
    code = {"grant_type": "authorization_code", "code": "mm_ac_nonsense", "redirect_uri": CALLBACK}
    if (await error_of(await world.post("/token", code | assertion, None)))[1] == "invalid_grant":
        felt.add("assertion_audience")
    return felt


@pytest.mark.parametrize("without", ["", *NEEDED])
async def test_each_setting_is_needed_and_all_together_are_enough(
    world: World, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert NEEDED.keys() == ALL
    for name in ALL - {without}:
        monkeypatch.setenv(f"MINTMARK_{name.upper()}", NEEDED[name])
    async with world.having() as other:
        assert await _felt(other) == (set() if without == "registration" else ALL - {without})


async def test_with_an_initial_access_token_errors_go_at_once(world: World) -> None:
    assert "`registration=initial_access_token`" in TEXT
    async with world.having(registration="initial_access_token") as other:
        token = await create_initial_access_token(other.issuer, lifetime=60)
        assert await _felt(other, token) == {"registration", "self_registered_redirects"}
