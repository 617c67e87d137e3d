"""The times that a DPoP proof states of itself hold whether it needs a nonce or not."""

from typing import Any

import pytest

from tests.dpop import USERINFO_URL, Prover
from tests.moments import FromNow, settled
from tests.world import World, basic, error_of

FORM = {"grant_type": "client_credentials"}
NOT_NOW: list[dict[str, Any]] = [{"exp": FromNow(-60)}, {"nbf": FromNow(600)}, {"exp": "soon"}, {"nbf": True}]


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize("times", NOT_NOW)
async def test_no_nonce_outweighs_exp_and_nbf(world: World, times: dict[str, Any], is_wanted: bool) -> None:
    """RFC 7519 sections 4.1.4 and 4.1.5: with nonces ``iat`` is passed over alone."""
    async with world.having(dpop_nonce_required=is_wanted) as asking:
        await asking.client(grant_types=("client_credentials",))
        refused = await asking.http.get("/userinfo", headers=Prover().with_token("x", url=USERINFO_URL))
        nonce = refused.headers.get("DPoP-Nonce")
        for claims, status in ((times, 400), ({"exp": FromNow(60), "nbf": FromNow(-60)}, 200)):
            headers = basic("app") | Prover().headers(nonce=nonce, **settled(claims))
            response = await asking.http.post("/token", data=FORM, headers=headers)
            assert response.status == status
            assert status == 200 or await error_of(response) == (400, "invalid_dpop_proof")
