"""A pushed request shows the key that its code is bound to, by a proof or by name (RFC 9449 section 10.1)."""

from typing import Any

import pytest
from aiohttp import ClientResponse

from service.protocol.names import ClientAuthMethod
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


async def test_proofs_of_strangers_leave_nothing_where_there_is_no_room(person: Person) -> None:
    """Whoever knows a client_id can make proofs without end: what they leave counts, and each refused one leaves nothing."""
    world, prover = person.world, Prover()
    await world.openid_client("phone", auth_method=ClientAuthMethod.NONE, secrets=())
    small = usual_request("phone")
    waits = []
    for headers in ({}, prover.headers(url=PAR_URL)):
        assert (await world.http.post("/par", data=small, headers=headers)).status == 201
        waits.append(_waiting(world))
    assert waits[1] - 2 * waits[0] >= 200, "the request, and what keeps its proof from being used again"
    large = small | {"state": "s" * 4000, "nonce": "n" * 4000, "claims_locales": "de " * 300}
    statuses = [
        (await world.http.post("/par", data=large, headers=prover.headers(url=PAR_URL))).status for _ in range(40)
    ]
    assert statuses[-1] == 503
    assert len(world.key_names("{assertion:")) == 1 + statuses.count(201)


def _waiting(world: World) -> int:
    """Bytes of pushed requests that wait on behalf of everybody."""
    [name] = [name for name in world.key_names("waiting") if "pushedeverybody" in name]
    return sum(int(node.admin.get(name) or 0) for node in world.redis.primaries())
