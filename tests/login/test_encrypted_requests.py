"""Request objects that a client encrypted for us (RFC 9101 section 6.1, OpenID Connect Core 6.1 and 10.2)."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.admin.client_input import ClientInput
from service.admin.clients import create_client
from service.admin.errors import InvalidInput
from service.protocol.credentials import base64url
from service.protocol.names import ClientAuthMethod, ContentEncryption, GrantTypeName, KeyManagement
from tests.backchannel import ask
from tests.deciding import API_KEY, API_SECRET, backend
from tests.encrypting import MASTER, decrypting, encrypted, published
from tests.login.test_request_object import JWKS, signed
from tests.person import Person, usual_request
from tests.pushing import come, pushed
from tests.redis_shapes import Shape
from tests.world import SECRET, World, basic, error_of

OAEP, ECDH, DIR = KeyManagement.RSA_OAEP_256, KeyManagement.ECDH_ES, KeyManagement.DIR
ASYMMETRIC = [one for one in KeyManagement if not one.is_symmetric]


@pytest.fixture
def algorithms() -> Sequence[KeyManagement]:
    """Those that cost nothing: to make an RSA key takes its time."""
    return [one for one in KeyManagement if not one.is_rsa]


@pytest.fixture
async def person(redis: Shape, algorithms: Sequence[KeyManagement]) -> AsyncIterator[Person]:
    """Somebody who has signed in at a service that clients encrypt for."""
    async with decrypting(redis, algorithms) as world:
        await world.openid_client(jwks=JWKS, skip_consent=True)
        await world.user()
        person = Person(world)
        await person.sign_in()
        yield person


async def with_secret(world: World) -> None:
    """Give the client a secret that can be read again."""
    sealed = world.issuer.sealing.seal_text(SECRET, "app", world.issuer.randomness)
    seen = await world.issuer.store.clients.read("app")
    assert seen
    [secret] = seen.secrets
    kept = type(secret)(secret.hash, secret.created_at, sealed, world.issuer.sealing.current)
    await world.change(seen, auth_method=ClientAuthMethod.CLIENT_SECRET_JWT, secrets=(kept,))
    world.issuer.store.clients.forget(["app"])


@pytest.mark.parametrize("algorithms", [[one] for one in ASYMMETRIC])
async def test_it_counts_as_if_it_had_been_in_the_clear(person: Person, algorithms: Sequence[KeyManagement]) -> None:
    """By every algorithm that discovery lists."""
    for encryption in ContentEncryption:
        jwe = await encrypted(person.world, signed(state="inside"), algorithms[0], encryption)
        shown = await person.authorize(request=jwe, state="outside")
        assert (shown.answer["state"], "code" in shown.answer) == ("inside", True)


async def test_by_the_secret_of_the_client(person: Person) -> None:
    """Core 10.2; of a client whose secret is kept as a hash it cannot be opened, and another client's is none."""
    every = [(one, enc) for one in KeyManagement if one.is_symmetric for enc in ContentEncryption]
    sealed = [await encrypted(person.world, signed(state="inside"), *how) for how in every]
    for jwe in sealed:
        assert (await person.authorize(request=jwe)).error == "invalid_request_object"
    await with_secret(person.world)
    for jwe in sealed:
        assert (await person.authorize(request=jwe)).answer["state"] == "inside"
    for how in every:
        others = await encrypted(person.world, signed(state="inside"), *how, secret="x" * 43)
        assert (await person.authorize(request=others)).error == "invalid_request_object"


async def test_without_a_kid_the_keys_of_late_are_tried(person: Person) -> None:
    jwe = await encrypted(person.world, signed(state="inside"), kid=None)
    assert (await person.authorize(request=jwe)).answer["state"] == "inside"


async def test_pushed(person: Person) -> None:
    """RFC 9126 section 3."""
    jwe = await encrypted(person.world, signed(**whole(state="inside")))
    form = {"client_id": "app", "request": jwe}
    response = await person.world.post("/par", form)
    uri = (await response.json())["request_uri"]
    assert (await come(person, uri)).answer["state"] == "inside"
    refused = await person.world.post("/par", {**form, "request": jwe[:-4] + "AAAA"})
    assert await error_of(refused) == (400, "invalid_request_object")
    assert "code" in (await come(person, await pushed(person.world))).answer


async def test_by_reference(redis: Shape) -> None:
    content = [""]

    async def get(_: web.Request) -> web.Response:
        return web.Response(text=content[0])

    app = web.Application()
    app.router.add_get("/request", get)
    async with TestServer(app) as server, decrypting(redis, [ECDH], fetch_private_addresses=True) as world:
        uri = f"http://127.0.0.1:{server.port}/request"
        await world.openid_client(jwks=JWKS, skip_consent=True, request_uris=(uri,))
        await world.user()
        person = Person(world)
        await person.sign_in()
        content[0] = await encrypted(world, signed(state="inside"))
        assert (await person.authorize(request_uri=uri)).answer["state"] == "inside"
        content[0] = content[0][:-2]
        assert (await person.authorize(request_uri=uri)).error == "invalid_request_object"


async def test_at_the_decision_api(person: Person, algorithms: Sequence[KeyManagement]) -> None:
    """Its clients' requests are read as ours; the client is shown with what it announces, by Authlete's names."""
    jwe = await encrypted(person.world, signed(**whole(state="inside")), ECDH)
    settings = {"master_key": MASTER, "encryption_algorithms": algorithms}
    async with backend(person.world, **settings) as caller:
        asked = await caller.answer("/auth/authorization", parameters=urlencode({"client_id": "app", "request": jwe}))
        assert (asked["action"], "inside" in asked["requestObjectPayload"]) == ("INTERACTION", True)
        forged = urlencode({"client_id": "app", "request": jwe[:-4] + "AAAA", **usual_request()})
        refused = await caller.answer("/auth/authorization", parameters=forged)
        assert "invalid_request_object" in refused["responseContent"]
        announced = {"request_object_encryption_alg": ECDH, "request_object_encryption_enc": ContentEncryption.A128GCM}
        client = await person.world.issuer.store.clients.read("app")
        assert client
        await person.world.change(client, **announced)
        person.world.issuer.store.clients.forget(["app"])
        response = await caller.http.get("/api/client/get/app", headers=basic(API_KEY, API_SECRET))
        members = await response.json()
        assert (members["requestEncryptionAlg"], members["requestEncryptionEnc"]) == ("ECDH_ES", "A128GCM")


async def test_an_id_token_hint_may_be_encrypted(person: Person) -> None:
    """Core 3.1.2.1: the client encrypts the ID token that it has, signed by us, for our key."""
    code = (await person.authorize()).answer["code"]
    tokens = await (await person.world.redeem(code, code_verifier="v" * 43)).json()
    hint = await encrypted(person.world, tokens["id_token"])
    assert "code" in (await person.authorize(prompt="none", id_token_hint=hint)).answer
    other = await encrypted(person.world, signed(sub="alice"))
    for wrong in (other, hint[:-4] + "AAAA", hint.replace(".", "", 1)):
        assert "code" not in (await person.authorize(prompt="none", id_token_hint=wrong)).answer
    left = await person.get("/logout", id_token_hint=hint)
    assert left.status == 200
    assert (await person.authorize(prompt="none")).error == "login_required"


def whole(**changes: str) -> dict[str, Any]:
    """A request with everything, to be put inside."""
    return {**usual_request(), **changes}


async def test_a_hint_that_is_encrypted_by_the_secret_comes_back_as_it_was(person: Person) -> None:
    """RP-Initiated Logout 2: signing out, its client has to be named."""
    await with_secret(person.world)
    client = await person.world.issuer.store.clients.read("app")
    assert client
    await person.world.change(client, id_token_encrypted_response_alg=DIR)
    person.world.issuer.store.clients.forget(["app"])
    hint = (await person.authorize(response_type="id_token")).answer["id_token"]
    assert hint.count(".") == 4
    assert "id_token" in (await person.authorize(response_type="id_token", prompt="none", id_token_hint=hint)).answer
    await person.get("/logout", id_token_hint=hint)
    assert not (await person.authorize(prompt="none")).error, "whose secret would that be?"
    assert (await person.get("/logout", id_token_hint=hint, client_id="app")).status == 200
    assert (await person.authorize(prompt="none")).error == "login_required"


async def test_a_ciba_request_takes_a_hint_that_is_encrypted_by_the_secret(person: Person) -> None:
    """CIBA Core 7.1: an ID token as its client got it."""
    await with_secret(person.world)
    seen = await person.world.issuer.store.clients.read("app")
    assert seen
    methods = {"auth_method": ClientAuthMethod.CLIENT_SECRET_BASIC, "id_token_encrypted_response_alg": DIR}
    await person.world.change(seen, grant_types=(*seen.grant_types, GrantTypeName.CIBA), **methods)
    person.world.issuer.store.clients.forget(["app"])
    hint = (await person.authorize(response_type="id_token")).answer["id_token"]
    assert hint.count(".") == 4
    response = await ask(person.world, "app", login_hint="", id_token_hint=hint)
    assert response.status == 200, await response.text()


# attacks


def with_header(jwe: str, **changes: object) -> str:
    """The same JWE with another header, which nobody sealed."""
    head, rest = jwe.split(".", 1)
    header = json.loads(urlsafe_b64decode(head + "==")) | changes
    return base64url(json.dumps(header).encode()) + "." + rest


FORGED: dict[str, dict[str, Any]] = {
    "another algorithm": {"alg": "RSA-OAEP"},
    "the algorithm of a padding oracle": {"alg": "RSA1_5"},
    "our public key as a secret": {"alg": "dir"},
    "a password to be stretched": {"alg": "PBES2-HS256+A128KW", "p2c": 2**31 - 1, "p2s": "AAAA"},
    "no algorithm": {"alg": "none"},
    "an unknown content encryption": {"enc": "XC20P"},
    "compressed": {"zip": "DEF"},
    "compressed in an unknown way": {"zip": "BR"},
    "what must be understood": {"crit": ["x"], "x": 1},
    "a wrong kid": {"kid": "x"},
    "a kid that is no text": {"kid": ["x"]},
}


async def test_headers_that_were_forged(person: Person) -> None:
    for name, changes in FORGED.items():
        jwe = with_header(await encrypted(person.world, signed()), **changes)
        shown = await person.authorize(request=jwe)
        assert (shown.error, "code" in shown.answer) == ("invalid_request_object", False), name


@pytest.mark.parametrize("algorithms", [[OAEP, KeyManagement.RSA_OAEP]])
async def test_the_kid_of_a_key_that_signs_opens_nothing(person: Person) -> None:
    """Nor does a key of another algorithm: one key, one use."""
    keys = (await (await person.world.http.get("/jwks")).json())["keys"]
    signs = next(key["kid"] for key in keys if key["use"] == "sig" and key["kty"] == "RSA")
    other = (await published(person.world, KeyManagement.RSA_OAEP))["kid"]
    for kid in (signs, other):
        jwe = await encrypted(person.world, signed(), OAEP, kid=kid)
        assert (await person.authorize(request=jwe)).error == "invalid_request_object"


@pytest.mark.parametrize("algorithms", [[OAEP], [ECDH]])
async def test_every_part_that_was_changed(person: Person, algorithms: Sequence[KeyManagement]) -> None:
    """One answer, whatever was wrong: header, encrypted key, nonce, content or tag."""
    jwe = await encrypted(person.world, signed(), algorithms[0])
    parts, told = jwe.split("."), set()
    for place, part in enumerate(parts[1:], 1):
        for changed in (part[:-1], "", "B" + part[1:], part + "AAAA"):
            if changed != part:
                shown = await person.authorize(request=".".join([*parts[:place], changed, *parts[place + 1 :]]))
                assert shown.error == "invalid_request_object", (place, changed)
                told.add(shown.answer["error_description"])
    assert told <= {
        "The request object cannot be used: no key of ours decrypts it",
        "The request object cannot be used: it is not a JWE",
    }


async def test_what_is_inside_must_be_signed(person: Person) -> None:
    """RFC 9101 section 4: encrypted alone it says nothing about whom it is from; nor does a nest."""
    unsigned = jwt.encode({"state": "x"}, None, "none")  # type: ignore[arg-type]
    once = await encrypted(person.world, signed())
    for content in (unsigned, '{"state":"x"}', "", "a.b.c", once, "ü", signed(iss="other"), "x" * 20_000):
        shown = await person.authorize(request=await encrypted(person.world, content))
        assert shown.error in ("invalid_request_object", "") or shown.status in (400, 414, 431), content[:20]
        assert "code" not in shown.answer


async def test_where_it_has_to_be_signed_encryption_is_not_enough(person: Person) -> None:
    client = await person.world.issuer.store.clients.read("app")
    assert client
    await person.world.change(client, require_signed_request_object=True)
    good = await encrypted(person.world, signed(**whole()))
    assert "code" in (await person.authorize(request=good)).answer
    claims = json.dumps({**usual_request(), "iss": "app"})
    assert (await person.authorize(request=await encrypted(person.world, claims))).error == "invalid_request_object"


# registration, discovery, off


async def test_off_by_default(world: World) -> None:
    """Nothing of it is offered, published or taken, and no key is made."""
    document = await (await world.http.get("/.well-known/openid-configuration")).json()
    assert not [name for name in document if name.startswith("request_object_encryption")]
    assert {key["use"] for key in (await (await world.http.get("/jwks")).json())["keys"]} == {"sig"}
    assert not world.key_names("encryption")
    await world.openid_client(jwks=JWKS, skip_consent=True)
    await world.user()
    person = Person(world)
    await person.sign_in()
    async with decrypting(world.redis, [ECDH]) as other:
        jwe = await encrypted(other, signed())
    shown = await person.authorize(request=jwe)
    assert shown.error == "invalid_request_object"
    assert "encryption_algorithms" in shown.answer["error_description"]


async def test_what_is_offered_is_what_is_set(redis: Shape) -> None:
    async with decrypting(redis, [ECDH, DIR]) as world:
        document = await (await world.http.get("/.well-known/openid-configuration")).json()
        assert document["request_object_encryption_alg_values_supported"] == ["ECDH-ES", "dir"]
        assert document["request_object_encryption_enc_values_supported"] == [one.value for one in ContentEncryption]
        keys = (await (await world.http.get("/jwks")).json())["keys"]
        assert [key["alg"] for key in keys if key["use"] == "enc"] == ["ECDH-ES"]
        assert all(not {"d", "p", "q", "k"} & key.keys() for key in keys)


USUAL = {"client_id": "app", "grant_types": ["authorization_code"], "redirect_uris": ["https://app.example/"]}


@pytest.mark.parametrize("algorithm", ["dir", "A128KW", "A256KW"])
@pytest.mark.parametrize("member", ["request_object_encryption_alg", "id_token_encrypted_response_alg"])
def test_a_secret_that_is_kept_as_a_hash_is_no_key(member: str, algorithm: str) -> None:
    with pytest.raises(InvalidInput, match="we keep hashes"):
        ClientInput.read(USUAL | {member: algorithm})
    ClientInput.read(USUAL | {member: algorithm, "auth_method": "client_secret_jwt"})


async def test_registration(redis: Shape) -> None:
    """By operators and by clients themselves: what is not offered here is refused, as is an enc without alg."""
    async with decrypting(redis, [ECDH], registration="open") as world:
        good = USUAL | {"request_object_encryption_alg": "ECDH-ES", "request_object_encryption_enc": "A128GCM"}
        created = await create_client(world.issuer, ClientInput.read(good))
        assert created.client.request_object_encryption_alg is ECDH
        with pytest.raises(InvalidInput, match="not offered here"):
            await create_client(
                world.issuer, ClientInput.read(good | {"client_id": "b", "request_object_encryption_alg": "RSA-OAEP"})
            )
        with pytest.raises(InvalidInput, match="go with"):
            ClientInput.read(USUAL | {"request_object_encryption_enc": "A128GCM"})
        said = {"redirect_uris": ["https://app.example/"], "request_object_encryption_alg": "ECDH-ES"}
        registered = await world.http.post("/register", json=said)
        assert (registered.status, (await registered.json())["request_object_encryption_alg"]) == (201, "ECDH-ES")
        refused = await world.http.post("/register", json=said | {"request_object_encryption_alg": "RSA1_5"})
        assert await error_of(refused) == (400, "invalid_client_metadata")
