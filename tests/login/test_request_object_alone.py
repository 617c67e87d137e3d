"""Where a request object stands alone: parameters beside it are not looked at (RFC 9101 section 6.3), and FAPI's rules."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt as jose
from joserfc.jwk import ECKey, RSAKey

from service.protocol.names import SigningAlgorithm
from tests.login.test_request_object import JWKS, KEYS, RS256, signed
from tests.moments import FromNow, settled
from tests.person import Person, Shown, usual_request
from tests.pushing import come
from tests.world import World, error_of


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(jwks=JWKS, skip_consent=True)
    await world.user()
    person = Person(world)
    await person.sign_in()
    return person


@pytest.fixture
async def strict(person: Person) -> AsyncIterator[Person]:
    async with person.world.having(strict_request_objects=True) as world:
        person.world = world
        yield person


def whole(**changes: Any) -> str:
    """A request object with everything that FAPI wants; None leaves a claim out."""
    now = int(time.time())
    sound = {**usual_request(), "iss": "app", "aud": "http://127.0.0.1:8080", "nbf": now, "exp": now + 300}
    claims = {name: value for name, value in (sound | settled(changes)).items() if value is not None}
    return jwt.encode(claims, KEYS[RS256], "RS256", headers={"typ": None})


async def asked(person: Person, request: str, **outer: str) -> Shown:
    return await person.get("/authorize", **{"client_id": "app", "request": request, **outer})


async def test_of_plain_oauth_only_what_is_inside_counts(person: Person) -> None:
    """Without openid outside it is RFC 9101; with it OpenID Connect Core 6.1, by which outer parameters count too."""
    inside: dict[str, Any] = {
        "response_type": "code",
        "scope": "read",
        "client_id": "app",
        "redirect_uri": usual_request()["redirect_uri"],
    }
    shown = await asked(person, signed(**inside), state="outside", code_challenge="x" * 43)
    assert ("code" in shown.answer, "state" in shown.answer) == (True, False)
    shown = await asked(person, signed(**inside), state="outside", scope="openid")
    assert ("code" in shown.answer, shown.answer["state"]) == (True, "outside")
    for missing in ("response_type", "redirect_uri"):
        lacking: dict[str, Any] = {name: text for name, text in inside.items() if name != missing}
        shown = await asked(person, signed(**lacking), response_type="token", state="outside")
        assert "state" not in shown.answer


async def test_alone_it_names_its_client(person: Person) -> None:
    """RFC 9101 section 6.3: client_id outside and inside is the same; iss is another claim. Core 6.1 lets it be absent."""
    plain = whole(client_id=None, scope="read")
    shown = await asked(person, plain, **usual_request(scope="read"))
    assert (shown.error, "code" in shown.answer) == ("invalid_request_object", False)
    pushed = await person.world.post("/par", {"request": plain})
    assert await error_of(pushed) == (400, "invalid_request_object")
    assert "code" in (await asked(person, whole(client_id=None), **usual_request())).answer


async def test_it_may_be_demanded_of_everybody(person: Person) -> None:
    async with person.world.having(require_signed_request_object=True) as world:
        person.world = world
        assert (await person.authorize()).error == "invalid_request"
        assert await error_of(await world.post("/par", usual_request())) == (400, "invalid_request")
        assert "code" in (await asked(person, whole(), state="outside", scope="openid")).answer
        document = await (await world.http.get("/.well-known/openid-configuration")).json()
        assert document["require_signed_request_object"] is True


async def test_pushed_it_stands_alone(person: Person) -> None:
    """RFC 9126 section 3: what stands beside it is the client's authentication, and nothing else."""
    world = person.world
    pushed = await world.post("/par", {"request": whole(), "state": "outside", "scope": "openid", "prompt": "login"})
    shown = await come(person, (await pushed.json())["request_uri"])
    assert ("code" in shown.answer, shown.answer["state"]) == (True, "st")
    for refused in (
        {"request": signed(client_id="app"), **usual_request()},  # nothing of it is inside
        {"request": whole(client_id="other")},
        {"request": whole(iss="other")},
        {"request": whole(aud="https://other.example")},
        {"request": whole(request_uri="https://app.example/")},
        {"request": jwt.encode(dict(usual_request()), None, "none")},  # type: ignore[arg-type]
        {"request": whole(response_type="magic")},
    ):
        answered = await world.post("/par", refused)
        assert answered.status == 400, refused
    assert await error_of(await world.post("/par", {"request": whole(scope="everything")})) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": None},
        {"nbf": FromNow(-4000)},
        {"exp": FromNow(4000)},
        {"aud": "https://other.example"},
        {"client_id": None},
        {"exp": None},
        {"aud": None},
        {"exp": FromNow(-60)},
        {"nbf": FromNow(600), "exp": FromNow(900)},
        {"nbf": "now"},
    ],
)
async def test_strictly_it_is_refused(strict: Person, changes: dict[str, Any]) -> None:
    """At both endpoints, by the same word; the sound one of the next test differs in nothing else."""
    refused = await strict.world.post("/par", {"request": whole(**changes)})
    assert await error_of(refused) == (400, "invalid_request_object")
    shown = await asked(strict, whole(**changes), **usual_request())
    assert shown.error == "invalid_request_object"


async def test_strictly_nothing_beside_it_counts(strict: Person) -> None:
    now = int(time.time())
    sound = {**usual_request(), "aud": ["http://127.0.0.1:8080", "x"], "nbf": now, "exp": now + 60}
    for typ in ("oauth-authz-req+jwt", "OautH-auThZ-REQ+jWt", None):
        request = jwt.encode(sound, KEYS[RS256], "RS256", headers={"typ": typ})
        shown = await asked(strict, request, **usual_request(state="outside"))
        assert ("code" in shown.answer, shown.answer["state"]) == (True, "st")
    for typ in ("JWT", "at+jwt"):
        request = jwt.encode(sound, KEYS[RS256], "RS256", headers={"typ": typ})
        assert (await asked(strict, request, **usual_request())).error == "invalid_request_object"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_what_another_library_signs_is_taken(strict: Person, algorithm: str) -> None:
    """joserfc makes it."""
    now = int(time.time())
    claims = {**usual_request(), "iss": "app", "aud": "http://127.0.0.1:8080", "nbf": now, "exp": now + 60}
    key = KEYS[SigningAlgorithm(algorithm)]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    jwk = (RSAKey if algorithm == "RS256" else ECKey).import_key(pem)
    request = jose.encode({"alg": algorithm, "typ": "oauth-authz-req+jwt"}, claims, jwk)
    assert "code" in (await asked(strict, request)).answer
    changed = request[:-6] + ("AAAAAA" if request[-6:] != "AAAAAA" else "BBBBBB")
    assert (await asked(strict, changed, **usual_request())).error == "invalid_request_object"
