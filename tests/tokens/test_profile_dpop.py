"""Each DPoP proof of a client with a security profile has a signature that the profile takes (FAPI 2.0 section 5.4.1)."""

import pytest

from service.crypto.key_material import generate
from service.protocol.names import Profile, SigningAlgorithm
from tests.assertions import ISSUER
from tests.dpop import Prover
from tests.profiles import Bank
from tests.world import World, error_of

ALGORITHMS = (SigningAlgorithm.PS256, SigningAlgorithm.RS256)
"""An RSA key signs by both, and has one thumbprint."""
REFUSED = "invalid_dpop_proof"


@pytest.mark.parametrize("profile", [Profile.FAPI2_SECURITY, None])
async def test_a_key_of_several_algorithms_signs_by_those_of_the_profile(world: World, profile: Profile | None) -> None:
    """Where it is pushed, where tokens are bound to it, and where they are used."""
    key = generate(SigningAlgorithm.RS256, 2048)
    good, other = Prover("PS256", key), Prover("RS256", key)
    async with world.having(dpop_signing_algorithms=ALGORITHMS) as here:
        bank = await Bank(here, profile, prover=good).open()
        pushed = await bank.push(dpop=other.proof(url=f"{ISSUER}/par"))
        assert (pushed.status == 201) is (profile is None), await pushed.text()
        shown = await bank.sign_in(dpop=good.proof(url=f"{ISSUER}/par"))
        token = (await (await bank.redeem(shown.answer["code"])).json())["access_token"]
        assert (await here.http.get("/userinfo", headers=good.with_token(token))).status == 200
        used = await here.http.get("/userinfo", headers=other.with_token(token))
        if profile is None:
            assert used.status == 200
        else:
            assert await error_of(pushed) == (400, REFUSED)
            assert await error_of(used) == (401, REFUSED)
            assert used.headers["WWW-Authenticate"].startswith("DPoP ")
