"""Pushed authorization requests: checked when they are pushed, bound to their client, and spent once (RFC 9126)."""

import re
from typing import Any

import pytest

from service.protocol.names import ClientAuthMethod
from service.records.client import Registration
from tests.assertions import JWKS, Signer
from tests.person import Person, usual_request
from tests.pushing import URN, come, pushed
from tests.world import CALLBACK, SECRET, VERIFIER, World, error_of


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(skip_consent=True)
    await world.user()
    return Person(world)


# the whole way


async def test_what_was_pushed_is_answered(person: Person) -> None:
    """Sections 2.2 and 4: 201, a name of 256 random bits, and nothing but that name in the URL."""
    response = await person.world.post("/par", usual_request())
    body = await response.json()
    assert (response.status, body["expires_in"], response.headers["Cache-Control"]) == (201, 60, "no-store")
    assert re.fullmatch(rf"{URN}mm_pr_[\w-]{{43}}", body["request_uri"])
    shown = await person.log_in(await come(person, body["request_uri"]))
    assert (shown.location.startswith(CALLBACK), shown.answer["state"]) == (True, "st")
    assert (await person.world.redeem(shown.answer["code"], code_verifier=VERIFIER)).status == 200


async def test_parameters_beside_the_name_are_not_looked_at(person: Person) -> None:
    """Nobody can change in the browser what was pushed."""
    others = {"state": "other", "scope": "write", "redirect_uri": "https://evil.example/", "response_type": "token"}
    shown = await person.log_in(await come(person, await pushed(person.world), **others))
    assert (shown.location.startswith(CALLBACK), shown.answer["state"]) == (True, "st")
    assert "code" in shown.answer


async def test_a_page_that_is_loaded_again_loses_nothing(person: Person) -> None:
    """Section 4: only the end of the interaction spends it."""
    uri = await pushed(person.world)
    await come(person, uri)
    await person.submit(await come(person, uri), username="alice", password="wrong")
    shown = await person.log_in(await come(person, uri))
    assert "code" in shown.answer
    over = await come(person, uri)
    assert (over.status, over.error) == (400, "invalid_request_uri")


async def test_a_user_may_take_longer_than_the_request_waits(person: Person) -> None:
    """``par_lifetime`` is the time until the browser comes; then the ticket's counts. Spent it is all the same."""
    uri = await pushed(person.world)
    other = Person(person.world)
    first, second = await come(person, uri), await come(other, uri)
    person.world.expire("pushed:")
    assert (await come(person, uri)).error == "invalid_request_uri"
    assert "code" in (await person.log_in(first)).answer
    [(key, ends)] = person.world.ends("pushed:").items()
    assert ends - person.world.issuer.clock() > 900, f"{key}: longer than any interaction that began with it"
    assert (await other.log_in(second)).status == 400


@pytest.mark.parametrize("signed_in", [False, True])
async def test_a_second_end_is_refused(person: Person, signed_in: bool) -> None:
    """Two browsers with one name: the page of the second says that it is over, and makes no code."""
    other = Person(person.world)
    for each in (person, other) if signed_in else ():
        await each.sign_in()
    uri = await pushed(person.world, prompt="login" if signed_in else "")
    pages = [await come(each, uri) for each in (person, other)]
    assert "code" in (await person.log_in(pages[0])).answer
    late = await other.log_in(pages[1])
    assert (late.status, late.location) == (400, "")


async def test_a_refusal_by_the_user_is_an_end(person: Person) -> None:
    uri = await pushed(person.world)
    page = await come(person, uri)
    other = Person(person.world)
    late = await come(other, uri)
    assert (await person.submit(page, cancel="1")).error == "access_denied"
    assert (await come(person, uri)).error == "invalid_request_uri"
    assert (await other.submit(late, cancel="1")).location == ""


async def test_what_lies_in_redis_is_sealed(person: Person) -> None:
    """P5: neither the name nor what was pushed can be read there, nor the secret of the client anywhere."""
    form = usual_request(state="a-state-to-look-for") | {"client_secret": SECRET, "client_id": "app"}
    await person.world.change(await _client(person), auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    response = await person.world.post("/par", form, None)
    secret = (await response.json())["request_uri"].removeprefix(URN)
    await come(person, URN + secret)
    held = _held_in_redis(person.world)
    assert b"{pushed:" in held
    assert not [text for text in (secret, "a-state-to-look-for", SECRET) if text.encode() in held]


def _held_in_redis(world: World) -> bytes:
    held = b""
    for node in world.redis.primaries():
        for key in node.admin.scan_iter("*"):
            held += key + (node.admin.get(key) or b"" if node.admin.type(key) == b"string" else b"")
    return held


async def _client(person: Person) -> Any:
    return await person.world.issuer.store.clients.read("app")


# what is refused when it is pushed


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        ({"request_uri": f"{URN}mm_pr_{'x' * 43}"}, 400, "invalid_request"),  # section 2.1
        ({"request_uri": "https://app.example/request"}, 400, "invalid_request"),
        ({"response_type": ""}, 400, "invalid_request"),
        ({"response_type": "magic"}, 400, "unsupported_response_type"),
        ({"response_type": "code token"}, 400, "unauthorized_client"),
        ({"redirect_uri": "https://evil.example/"}, 400, "invalid_request"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"scope": "openid everything"}, 400, "invalid_scope"),
        ({"response_mode": "pigeon"}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"prompt": "none login"}, 400, "invalid_request"),
        ({"request": "x.y.z"}, 400, "invalid_request_object"),
        ({"state": "s" * 4001}, 400, "invalid_request"),
        ({"resource": "https://api.example"}, 400, "invalid_target"),
        ({"id_token_hint": "x.y.z"}, 400, "invalid_request"),
        ({"client_id": "other"}, 400, "invalid_request"),
        ({"ui_locales": "x" * 17_000}, 400, "invalid_request"),
    ],
)
async def test_it_learns_at_once_what_is_wrong(person: Person, request_: Any, status: int, error: str) -> None:
    await person.world.change(await _client(person), response_types=("code",))
    response = await person.world.post("/par", usual_request(**request_))
    assert await error_of(response) == (status, error)
    assert not person.world.key_names("pushed:")


async def test_http_errors_are_those_of_the_rfc(person: Person) -> None:
    """Section 2.3: 401, 405, 413; and one parameter twice."""
    world = person.world
    assert await error_of(await world.post("/par", usual_request(), "app", "wrong")) == (401, "invalid_client")
    assert await error_of(await world.post("/par", usual_request(), "nobody")) == (401, "invalid_client")
    got = await world.http.get("/par")
    assert (got.status, got.headers["Allow"]) == (405, "POST")
    assert (await world.post("/par", usual_request(state="x" * 2_000_000))).status == 413
    twice = [*usual_request().items(), ("state", "again")]
    assert await error_of(await world.form("/par", twice)) == (400, "invalid_request")


# whose it is


@pytest.mark.parametrize(
    "request_uri",
    ["", "x", "mm_pr_" + "x" * 43, "mm_pr_" + "x" * 42 + "ä", "mm_pr_" + "x" * 44, "mm_ti_" + "x" * 43, "\x7f"],
)
async def test_a_name_that_nobody_pushed_is_a_page(person: Person, request_uri: str) -> None:
    shown = await come(person, URN + request_uri, redirect_uri=CALLBACK)
    assert (shown.status, shown.error, shown.location) == (400, "invalid_request_uri", "")


async def test_it_is_its_clients_alone(person: Person) -> None:
    await person.world.openid_client("other", skip_consent=True)
    uri = await pushed(person.world)
    assert (await come(person, uri, "other")).error == "invalid_request_uri"
    assert (await person.get("/authorize", request_uri=uri)).error == "invalid_request"
    assert "code" in (await person.log_in(await come(person, uri))).answer, "what another client tried cost nothing"


async def test_it_ends_with_what_its_client_is_revoked_by(person: Person) -> None:
    client, uri = await _client(person), await pushed(person.world)
    await person.world.change(client, generation=client.generation + 1)
    assert (await come(person, uri)).error == "invalid_request_uri"


async def test_a_client_may_call_itself_by_its_alias(person: Person) -> None:
    await person.world.change(await _client(person), alias="friendly")
    uri = await pushed(person.world, client_id="friendly")
    assert "code" in (await person.log_in(await come(person, uri, "friendly"))).answer


async def test_an_assertion_pushes_once(person: Person) -> None:
    """The client's assertion is no part of the request, and replayed it tells nothing."""
    method = ClientAuthMethod.PRIVATE_KEY_JWT
    await person.world.change(await _client(person), auth_method=method, secrets=(), jwks=JWKS)
    proof = Signer().form()
    first = await person.world.post("/par", usual_request() | proof, None)
    assert first.status == 201
    for again in (usual_request(), usual_request(scope="everything")):
        assert await error_of(await person.world.post("/par", again | proof, None)) == (401, "invalid_client")
    assert "code" in (await person.log_in(await come(person, (await first.json())["request_uri"]))).answer


# public clients


async def test_a_public_client_pushes_with_pkce(person: Person) -> None:
    world = person.world
    await world.openid_client("phone", auth_method=ClientAuthMethod.NONE, secrets=(), skip_consent=True)
    response = await world.post("/par", usual_request("phone"), None)
    shown = await person.log_in(await come(person, (await response.json())["request_uri"], "phone"))
    assert "code" in shown.answer
    refused = await world.post("/par", usual_request("phone", code_challenge="", code_challenge_method=""), None)
    assert await error_of(refused) == (400, "invalid_request")


async def test_who_proved_nothing_cannot_fill_redis(person: Person) -> None:
    """Whoever knows a client_id may push: of a network, and of one address, there is room for so much."""
    world = person.world
    await world.openid_client("phone", auth_method=ClientAuthMethod.NONE, secrets=())
    large = usual_request("phone", state="s" * 4000, nonce="n" * 4000, claims_locales="de " * 300)
    statuses = [(await world.post("/par", large, None)).status for _ in range(40)]
    assert (statuses[0], statuses[-1]) == (201, 503)
    assert sum(status == 201 for status in statuses) * 8000 < 2**18
    crowded = await world.post("/par", large, None)
    assert (crowded.headers["Retry-After"], await error_of(crowded)) == ("60", (503, "temporarily_unavailable"))
    assert (await world.post("/par", usual_request())).status == 201, "another client, which has a secret, can"
    assert (await Person(world).authorize("phone")).heading == "Sign in", "nor does it count for tickets"
    assert all(ends > 0 for ends in world.ends("waiting").values())


# where all have to


@pytest.mark.parametrize("by", ["setting", "client"])
async def test_pushing_may_be_demanded(person: Person, by: str) -> None:
    """Section 5: of every client, or of one."""
    if by == "client":
        await person.world.change(await _client(person), require_pushed_authorization_requests=True)
    async with person.world.having(require_pushed_authorization_requests=by == "setting") as world:
        person.world = world
        refused = await person.authorize()
        assert (refused.location.startswith(CALLBACK), refused.error) == (True, "invalid_request")
        assert (await person.authorize(request="x.y.z")).error == "invalid_request"
        assert "code" in (await person.log_in(await come(person, await pushed(world)))).answer


async def test_discovery_names_it(world: World) -> None:
    for demanded in (False, True):
        async with world.having(require_pushed_authorization_requests=demanded) as other:
            document = await (await other.http.get("/.well-known/openid-configuration")).json()
            assert document["pushed_authorization_request_endpoint"] == "http://127.0.0.1:8080/par"
            assert document["require_pushed_authorization_requests"] is demanded


# redirect URIs that are not registered


ELSEWHERE = "https://app.example/another?x=1"


async def test_a_client_that_authenticates_may_name_a_redirect_uri_of_its_own(person: Person) -> None:
    """Section 2.4, where the settings allow it."""
    assert await error_of(await person.world.post("/par", usual_request(redirect_uri=ELSEWHERE))) == (
        400,
        "invalid_request",
    )
    async with person.world.having(par_unregistered_redirects=True) as world:
        person.world = world
        shown = await person.log_in(await come(person, await pushed(world, redirect_uri=ELSEWHERE)))
        assert shown.location.startswith(ELSEWHERE + "&code=")
        bought = await world.redeem(shown.answer["code"], redirect_uri=ELSEWHERE, code_verifier=VERIFIER)
        assert bought.status == 200
        outside = await Person(world).authorize(redirect_uri=ELSEWHERE)
        assert (outside.location, outside.error) == ("", "invalid_request"), "only of what is pushed"


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "http://evil.example/",
        "app.example:/cb",
        "https://a.example/#x",
        "//x",
        "https://a@b/",
        "x",
    ],
)
async def test_it_must_be_one_that_could_be_registered(person: Person, uri: str) -> None:
    async with person.world.having(par_unregistered_redirects=True) as world:
        refused = await world.post("/par", usual_request(redirect_uri=uri))
        assert await error_of(refused) == (400, "invalid_request")


@pytest.mark.parametrize("approved", [False, True])
async def test_a_client_that_registered_itself_has_those_that_are_registered(person: Person, approved: bool) -> None:
    """Who registered it may be anybody, and an operator has seen other URIs, if any."""
    async with person.world.having(par_unregistered_redirects=True) as world:
        await world.openid_client("own", registration=Registration("hash", by_token=True, approved=approved))
        refused = await world.post("/par", usual_request("own", redirect_uri=ELSEWHERE), "own")
        assert await error_of(refused) == (400, "invalid_request")
        assert (await world.post("/par", usual_request("own"), "own")).status == 201


async def test_a_public_client_has_those_that_are_registered(person: Person) -> None:
    async with person.world.having(par_unregistered_redirects=True) as world:
        await world.openid_client("phone", auth_method=ClientAuthMethod.NONE, secrets=())
        refused = await world.post("/par", usual_request("phone", redirect_uri=ELSEWHERE), None)
        assert await error_of(refused) == (400, "invalid_request")
