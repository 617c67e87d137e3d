"""A pushed request shows the key that its code is bound to, by a proof or by name (RFC 9449 section 10.1)."""

from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.dpop import Prover
from tests.login.test_request_object import JWKS, signed
from tests.person import Person, usual_request
from tests.pushing import come
from tests.world import CALLBACK, VERIFIER, World, basic, error_of

PAR_URL = "http://127.0.0.1:8080/par"


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(skip_consent=True, jwks=JWKS)
    await world.user()
    person = Person(world)
    await person.sign_in()
    return person


async def _push(person: Person, proof: str, **request: str) -> ClientResponse:
    headers = basic("app") | ({"DPoP": proof} if proof else {})
    return await person.world.http.post("/par", data=usual_request(**request), headers=headers)


@pytest.mark.parametrize("how", ["named", "shown", "named and shown", "signed"])
async def test_its_code_is_worth_nothing_without_the_key(person: Person, how: str) -> None:
    prover, other = Prover(), Prover()
    proof = prover.proof(url=PAR_URL) if "shown" in how else ""
    request = {"dpop_jkt": prover.jkt} if "named" in how else {}
    if how == "signed":
        inside: dict[str, Any] = usual_request(dpop_jkt=prover.jkt)
        request = {"request": signed(**inside)}
    uri = (await (await _push(person, proof, **request)).json())["request_uri"]
    code = (await come(person, uri, dpop_jkt=other.jkt)).answer["code"]
    redeemed = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    for headers, status in ((other.headers(), 400), ({}, 400), (prover.headers(), 200)):
        bought = await person.world.http.post("/token", data=redeemed, headers=basic("app") | headers)
        assert bought.status == status, await bought.text()


async def test_a_proof_must_be_for_this_endpoint_and_this_key_and_counts_once(person: Person) -> None:
    prover = Prover()
    refused = (400, "invalid_dpop_proof")
    assert await error_of(await _push(person, prover.proof())) == refused, "made for the token endpoint"
    assert await error_of(await _push(person, "x")) == refused
    assert await error_of(await _push(person, prover.proof(url=PAR_URL), dpop_jkt=Prover().jkt)) == refused
    inside: dict[str, Any] = usual_request(dpop_jkt=Prover().jkt)
    assert await error_of(await _push(person, prover.proof(url=PAR_URL), request=signed(**inside))) == refused
    assert await error_of(await _push(person, "", dpop_jkt="x")) == (400, "invalid_request")
    proof = prover.proof(url=PAR_URL)
    assert (await _push(person, proof)).status == 201
    assert await error_of(await _push(person, proof)) == refused


async def test_a_nonce_may_be_demanded_here_too(person: Person) -> None:
    async with person.world.having(dpop_nonce_required=True) as world:
        person.world, prover = world, Prover()
        first = await _push(person, prover.proof(url=PAR_URL))
        assert await error_of(first) == (400, "use_dpop_nonce")
        again = await _push(person, prover.proof(url=PAR_URL, nonce=first.headers["DPoP-Nonce"]))
        assert (again.status, "DPoP-Nonce" in again.headers) == (201, True)
