"""DPoP (RFC 9449): what a client gets with a proof is worth nothing without its key."""

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse

from service.protocol.names import AccessTokenFormat
from service.records.client import Registration
from tests.dpop import Prover
from tests.person import Person, usual_request
from tests.world import CALLBACK, VERIFIER, World, basic, error_of

OPENID: dict[str, Any] = {"scopes": ("openid", "read"), "default_scope": "openid"}
PASSWORD = {"grant_type": "password", "username": "alice", "password": "wonderland"}


@pytest.fixture
async def world(world: World) -> World:
    """One with a confidential client, a public one, and a user."""
    await world.user()
    await world.client(**OPENID, access_token_format=AccessTokenFormat.BOTH)
    await world.public_client(**OPENID)
    return world


async def buy(world: World, prover: Prover | None, client_id: str = "app", **form: str) -> ClientResponse:
    """A token request, with a proof if there is a key."""
    client = await world.issuer.store.clients.get(client_id)
    assert client
    named = {"client_id": client_id} if client.public else {}
    headers = ({} if client.public else basic(client_id)) | (prover.headers() if prover else {})
    return await world.http.post("/token", data=named | form, headers=headers)


async def bought(world: World, prover: Prover | None, client_id: str = "app", **form: str) -> dict[str, Any]:
    """The token response."""
    response = await buy(world, prover, client_id, **form)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


def redeeming(code: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}


def refreshing(tokens: dict[str, Any]) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}


async def test_a_proof_binds_tokens(world: World) -> None:
    """Section 6: as token_type, in the JWT and in introspection."""
    prover = Prover()
    tokens = await bought(world, prover, **PASSWORD)
    assert tokens["token_type"] == "DPoP"
    assert jwt.decode(tokens["access_token_jwt"], options={"verify_signature": False})["cnf"] == {"jkt": prover.jkt}
    for token in (tokens["access_token"], tokens["access_token_jwt"]):
        described = await world.introspect(token)
        assert (described["active"], described["token_type"], described["cnf"]) == (True, "DPoP", {"jkt": prover.jkt})
    told = await world.http.get("/userinfo", headers=prover.with_token(tokens["access_token"]))
    assert (told.status, (await told.json())["sub"]) == (200, "alice")
    plain = await bought(world, None, **PASSWORD)
    assert (plain["token_type"], "cnf" in await world.introspect(plain["access_token"])) == ("Bearer", False)


@pytest.mark.parametrize("token_format", [None, AccessTokenFormat.JWT, AccessTokenFormat.STATELESS])
async def test_tokens_of_a_client_itself(world: World, token_format: AccessTokenFormat | None) -> None:
    prover = Prover()
    await world.client("job", access_token_format=token_format)
    tokens = await bought(world, prover, "job", grant_type="client_credentials")
    described = await world.introspect(tokens["access_token"], "job")
    assert (tokens["token_type"], described["token_type"], described["cnf"]) == ("DPoP", "DPoP", {"jkt": prover.jkt})


async def test_a_client_that_has_to_bind_its_tokens(world: World) -> None:
    """Section 5.2."""
    await world.client("bank", dpop_bound_access_tokens=True)
    assert await error_of(await buy(world, None, "bank", **PASSWORD)) == (400, "invalid_dpop_proof")
    assert (await bought(world, Prover(), "bank", **PASSWORD))["token_type"] == "DPoP"


async def test_no_access_token_by_the_authorization_endpoint_for_such_a_client(world: World) -> None:
    client = await world.openid_client("bank", dpop_bound_access_tokens=True)
    for response_type in ("id_token token", "code token"):
        shown = await Person(world).authorize("bank", response_type=response_type)
        assert shown.error == "unauthorized_client", response_type
    shown = await Person(world).sign_in("bank", response_type="code id_token")
    assert "code" in shown.answer
    assert client.dpop_bound_access_tokens


async def test_a_code_is_bound_by_its_authorization_request(world: World) -> None:
    """Section 10: whoever has the code and the verifier needs the key as well."""
    prover = Prover()
    code = (await Person(world).sign_in("app", dpop_jkt=prover.jkt)).answer["code"]
    for other in (None, Prover()):
        assert await error_of(await buy(world, other, **redeeming(code))) == (400, "invalid_grant")
    assert (await bought(world, prover, **redeeming(code)))["token_type"] == "DPoP"
    assert "43 characters" in (await Person(world).authorize("app", dpop_jkt="short")).answer["error_description"]


@pytest.mark.parametrize("client_id", ["phone", "app"])
async def test_a_redeemed_code_ends_nothing_without_its_key(world: World, client_id: str) -> None:
    """Who finds one that was bound to a key cannot sign its user out; who holds the key has used it twice (RFC 6749 4.1.2)."""
    prover = Prover()
    code = (await Person(world).sign_in(client_id, dpop_jkt=prover.jkt)).answer["code"]
    tokens = await bought(world, prover, client_id, **redeeming(code))
    for thief in (None, Prover()):
        assert await error_of(await buy(world, thief, client_id, **redeeming(code))) == (400, "invalid_grant")
    tokens = await bought(world, prover, client_id, **refreshing(tokens))
    assert await error_of(await buy(world, prover, client_id, **redeeming(code))) == (400, "invalid_grant")
    assert await error_of(await buy(world, prover, client_id, **refreshing(tokens))) == (400, "invalid_grant"), "ended"


async def test_a_pushed_request_binds_its_code_by_a_proof(world: World) -> None:
    """Section 10.1: as dpop_jkt does; both must be the same key, and the proof counts once."""
    prover, url = Prover(), "http://127.0.0.1:8080/par"
    asked = usual_request("app")
    for other in (asked | {"dpop_jkt": Prover().jkt}, asked | {"dpop_jkt": "short"}):
        refused = await world.http.post("/par", data=other, headers=basic("app") | prover.headers(url=url))
        assert refused.status == 400
        assert (await refused.json())["error"] in ("invalid_dpop_proof", "invalid_request")
    headers = basic("app") | prover.headers(url=url)
    pushed = await world.http.post("/par", data=asked | {"dpop_jkt": prover.jkt}, headers=headers)
    assert pushed.status == 201
    assert await error_of(await world.http.post("/par", data=asked, headers=headers)) == (400, "invalid_dpop_proof")
    pushed = await world.http.post("/par", data=asked, headers=basic("app") | prover.headers(url=url))
    person, request_uri = Person(world), (await pushed.json())["request_uri"]
    shown = await person.log_in(await person.get("/authorize", client_id="app", request_uri=request_uri))
    code = (await person.agree(shown)).answer["code"]
    for thief in (None, Prover()):
        assert await error_of(await buy(world, thief, **redeeming(code))) == (400, "invalid_grant")
    assert (await bought(world, prover, **redeeming(code)))["token_type"] == "DPoP"


async def test_a_client_that_registers_itself_may_demand_it(world: World) -> None:
    """Section 5.2, RFC 7591."""
    metadata = {"redirect_uris": [CALLBACK], "dpop_bound_access_tokens": True, "response_types": ["code"]}
    async with world.having(registration="open") as other:
        made = await (await other.http.post("/register", json=metadata)).json()
        assert made["dpop_bound_access_tokens"] is True
        form, headers = redeeming("mm_ac_" + "x" * 65), basic(made["client_id"], made["client_secret"])
        assert await error_of(await other.http.post("/token", data=form, headers=headers)) == (
            400,
            "invalid_dpop_proof",
        )


async def test_a_refresh_token_of_a_public_client_needs_the_same_key_for_ever(world: World) -> None:
    """Section 5: also after rotations, and also where its code was bound to nothing."""
    prover = Prover()
    code = (await Person(world).sign_in("phone")).answer["code"]
    tokens = await bought(world, prover, "phone", **redeeming(code))
    for _ in range(3):
        for other in (None, Prover()):
            assert await error_of(await buy(world, other, "phone", **refreshing(tokens))) == (400, "invalid_grant")
        tokens = await bought(world, prover, "phone", **refreshing(tokens))
        assert tokens["token_type"] == "DPoP"
    assert (await world.introspect(tokens["access_token"], "app"))["active"] is False, "not its business"


async def test_a_used_refresh_token_ends_nothing_without_its_key(world: World) -> None:
    """Who finds an old one in a log cannot sign its user out; who holds the key has used it twice, as any client may not."""
    prover = Prover()
    await world.public_client(**OPENID, refresh_grace=0)
    first = await bought(world, prover, "phone", **redeeming((await Person(world).sign_in("phone")).answer["code"]))
    second = await bought(world, prover, "phone", **refreshing(first))
    for thief in (None, Prover()):
        assert await error_of(await buy(world, thief, "phone", **refreshing(first))) == (400, "invalid_grant")
    third = await bought(world, prover, "phone", **refreshing(second))
    assert await error_of(await buy(world, prover, "phone", **refreshing(first))) == (400, "invalid_grant")
    assert await error_of(await buy(world, prover, "phone", **refreshing(third))) == (400, "invalid_grant"), "ended"


@pytest.mark.parametrize("client_id", ["phone", "app"])
async def test_no_key_of_a_thief_hides_that_a_token_was_used(world: World, client_id: str) -> None:
    """A token that is bound to nothing, used with a thief's key: when its client uses it, the grant ends all the same."""
    make = world.public_client if client_id == "phone" else world.client
    await make(client_id, **OPENID, refresh_grace=0)
    thief, code = Prover(), (await Person(world).sign_in(client_id)).answer["code"]
    first = await bought(world, None, client_id, **redeeming(code))
    stolen = await bought(world, thief, client_id, **refreshing(first))
    assert await error_of(await buy(world, None, client_id, **refreshing(first))) == (400, "invalid_grant")
    assert await error_of(await buy(world, thief, client_id, **refreshing(stolen))) == (400, "invalid_grant")


async def test_a_confidential_client_may_refresh_with_another_key(world: World) -> None:
    """Section 5: its refresh tokens are bound to its authentication; the new access token is bound to the new key."""
    first, second = Prover(), Prover()
    code = (await Person(world).sign_in("app")).answer["code"]
    tokens = await bought(world, first, **redeeming(code))
    tokens = await bought(world, second, **refreshing(tokens))
    assert (await world.introspect(tokens["access_token"]))["cnf"] == {"jkt": second.jkt}
    tokens = await bought(world, None, **refreshing(tokens))
    assert tokens["token_type"] == "Bearer"
    client = await world.issuer.store.clients.get("app")
    assert client
    await world.change(client, dpop_bound_access_tokens=True)
    world.issuer.store.clients.forget(["app"])
    assert await error_of(await buy(world, None, **refreshing(tokens))) == (400, "invalid_dpop_proof")


async def test_the_same_refresh_again_needs_a_proof_of_its_own(world: World) -> None:
    """P2: a lost response is given again to who holds the key, byte for byte; what was proved before counts no more."""
    prover = Prover()
    code = (await Person(world).sign_in("phone")).answer["code"]
    tokens = await bought(world, prover, "phone", **redeeming(code))
    form, headers = {"client_id": "phone", **refreshing(tokens)}, prover.headers()
    first = await (await world.http.post("/token", data=form, headers=headers)).read()
    assert await error_of(await world.http.post("/token", data=form, headers=headers)) == (400, "invalid_dpop_proof")
    assert await (await buy(world, prover, "phone", **refreshing(tokens))).read() == first


async def test_a_proof_is_remembered_for_longer_than_it_counts(world: World) -> None:
    """The clocks of the processes and of Redis may differ by a minute."""
    iat = int(world.issuer.clock())
    headers = basic("app") | Prover().headers(iat=iat)
    assert (await world.http.post("/token", data=PASSWORD, headers=headers)).status == 200
    assert list(world.ends("{assertion:").values()) == [iat + 120 + 1 + 60]


@pytest.mark.parametrize("client_id", ["phone", "theirs"])
async def test_who_has_no_grant_leaves_nothing_in_redis_in_the_name_of_a_client(world: World, client_id: str) -> None:
    """All that proves such a client is its name, or a secret that anybody can register: proofs are made by the thousand."""
    await world.client("theirs", **OPENID, registration=Registration("x"))
    prover, person = Prover(), Person(world)
    first = await bought(world, prover, client_id, **redeeming((await person.sign_in(client_id)).answer["code"]))
    code = (await Person(world).sign_in(client_id, dpop_jkt=prover.jkt)).answer["code"]
    before = world.ends("{assertion:")
    for form in (
        redeeming("x"),
        redeeming("mm_ac_" + "x" * 65),
        redeeming(code),
        redeeming(code) | {"code_verifier": "x" * 43},
        {"grant_type": "refresh_token", "refresh_token": first["refresh_token"][:-1] + "*"},
        PASSWORD | {"password": "wrong"},
        {"grant_type": "password"},
    ):
        assert (await error_of(await buy(world, Prover(), client_id, **form)))[0] == 400
    assert world.ends("{assertion:") == before
    headers = prover.headers() | ({} if client_id == "phone" else basic(client_id))
    named = {"client_id": client_id} if client_id == "phone" else {}
    for form, status in ((refreshing(first), 200), (redeeming(code), 400), (PASSWORD, 400)):
        answered = await world.http.post("/token", data=named | form, headers=headers)
        assert answered.status == status, "each proof counts once"
    assert len(world.ends("{assertion:")) == len(before) + 1
    assert (await buy(world, prover, client_id, **redeeming(code))).status == 200, "nothing was spent"


async def test_discovery_and_pages_of_other_origins(world: World) -> None:
    document = await (await world.http.get("/.well-known/openid-configuration")).json()
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA", "ES384"]
    asked = await world.http.options("/token", headers={"Origin": "https://page.example"})
    assert "DPoP" in asked.headers["Access-Control-Allow-Headers"].split(", ")
    for path in ("/token", "/userinfo"):
        answered = await world.http.post(path, headers={"Origin": "https://page.example"})
        exposed = answered.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"DPoP-Nonce", "WWW-Authenticate"} <= set(exposed)


# nonces


@pytest.fixture
async def asking(world: World) -> AsyncIterator[World]:
    """A service that wants its nonces in proofs."""
    async with world.having(dpop_nonce_required=True) as other:
        yield other


async def test_a_nonce_is_given_with_every_answer(asking: World) -> None:
    """Sections 8 and 9: no client needs more than one request in vain."""
    prover = Prover()
    form, headers = PASSWORD, basic("app")
    refused = await asking.http.post("/token", data=form, headers=headers | prover.headers())
    nonce = refused.headers.getall("DPoP-Nonce")
    assert (await error_of(refused), len(nonce)) == ((400, "use_dpop_nonce"), 1)
    granted = await asking.http.post("/token", data=form, headers=headers | prover.headers(nonce=nonce[0]))
    assert (granted.status, granted.headers.getall("DPoP-Nonce")) == (200, nonce)
    assert granted.headers["Cache-Control"] == "no-store"
    token = (await granted.json())["access_token"]
    asked = await asking.http.get("/userinfo", headers=prover.with_token(token))
    assert (asked.status, asked.headers.getall("DPoP-Nonce")) == (401, nonce)
    assert asked.headers["WWW-Authenticate"].startswith('DPoP realm="mintmark", error="use_dpop_nonce"')
    told = await asking.http.get("/userinfo", headers=prover.with_token(token, nonce=nonce[0]))
    assert (told.status, told.headers.getall("DPoP-Nonce")) == (200, nonce)
    for response in (
        await asking.http.get("/userinfo"),
        await asking.http.post("/token", data={"grant_type": "nonsense"}, headers=headers),
    ):
        assert response.headers.getall("DPoP-Nonce") == nonce


async def test_who_proves_nothing_needs_no_nonce(asking: World) -> None:
    assert (await bought(asking, None, **PASSWORD))["token_type"] == "Bearer"


async def test_with_a_nonce_the_clock_of_the_client_does_not_matter(asking: World) -> None:
    """Section 11.1."""
    nonce = (await asking.http.get("/userinfo")).headers["DPoP-Nonce"]
    for iat in (1, 4_000_000_000):
        headers = basic("app") | Prover().headers(nonce=nonce, iat=iat)
        assert (await asking.http.post("/token", data=PASSWORD, headers=headers)).status == 200


@pytest.mark.parametrize("nonce", ["", "x", "A" * 22, 7, ["x"]])
async def test_a_nonce_of_another_is_none(asking: World, nonce: object) -> None:
    headers = basic("app") | Prover().headers(nonce=nonce)
    error = "use_dpop_nonce" if isinstance(nonce, str) else "invalid_dpop_proof"
    refused = await asking.http.post("/token", data=PASSWORD, headers=headers)
    assert (await error_of(refused), "DPoP-Nonce" in refused.headers) == ((400, error), True)


async def test_a_proof_with_a_nonce_counts_once_as_long_as_the_nonce_counts(asking: World) -> None:
    nonce = (await asking.http.get("/userinfo")).headers["DPoP-Nonce"]
    headers = basic("app") | Prover().headers(nonce=nonce, iat=1)
    assert (await asking.http.post("/token", data=PASSWORD, headers=headers)).status == 200
    used = asking.ends("{assertion:")
    assert await error_of(await asking.http.post("/token", data=PASSWORD, headers=headers)) == (
        400,
        "invalid_dpop_proof",
    )
    ends_at = asking.issuer.dpop_nonces.end_of(nonce, asking.issuer.clock())
    assert ends_at is not None
    assert list(used.values()) == [ends_at + 60], "clocks may differ by so much"


@pytest.mark.parametrize("ahead", [10, 50_000])
async def test_a_proof_with_a_nonce_counts_once_where_none_is_wanted_either(world: World, ahead: int) -> None:
    """Processes, or calls of the decision API, may differ in what they want: it is remembered until its iat is too old."""
    async with world.having(dpop_nonce_required=True, dpop_proof_lifetime=3600) as asking:
        nonce = (await asking.http.get("/userinfo")).headers["DPoP-Nonce"]
        iat = int(asking.issuer.clock()) + ahead
        headers = basic("app") | Prover().headers(nonce=nonce, iat=iat)
        assert (await asking.http.post("/token", data=PASSWORD, headers=headers)).status == 200
        assert list(asking.ends("{assertion:").values()) == [iat + 3600 + 1 + 60]
    if ahead == 10:
        assert await error_of(await world.http.post("/token", data=PASSWORD, headers=headers)) == (
            400,
            "invalid_dpop_proof",
        )


async def test_a_nonce_that_nobody_asks_for_is_passed_over(world: World) -> None:
    assert "DPoP-Nonce" not in (await world.http.get("/userinfo")).headers
    headers = basic("app") | Prover().headers(nonce="of somebody else")
    assert (await world.http.post("/token", data=PASSWORD, headers=headers)).status == 200
