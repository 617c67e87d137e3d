"""The guard and tokens that are bound to a key (RFC 9449 section 7): a stolen one is worth nothing."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from mintmark_guard import DpopPolicy, Guard, Refused
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard
from mintmark_guard.asgi import AsgiGuard
from mintmark_guard.dpop import KeyCheck, SentRequest, UsedProofs
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from tests.dpop import MEMBERS_OF_ITS_KEY, STRANGE, Prover
from tests.guard.guarding import API, token_of
from tests.guarded import bearer
from tests.world import World, basic

URL = f"{API}/orders"
ALGS = 'algs="ES256 PS256 EdDSA ES384"'
KINDS = pytest.mark.parametrize("kind", ["jwks", "introspection"])


async def bound_token(served: World, prover: Prover, audience: str = API) -> str:
    """A token that is bound to a key, as a JWT, which both kinds of guard take."""
    made = await served.client(audiences=(audience,), access_token_format=AccessTokenFormat.JWT)
    form = {"grant_type": "authorization_code", "code": await served.code(made, scope="read", audience=(audience,))}
    headers = basic("app") | prover.headers(url=f"{served.issuer.url}/token")
    response = await served.http.post(
        "/token", data=form | {"redirect_uri": "https://app.example/callback"}, headers=headers
    )
    assert response.status == 200, await response.text()
    return str((await response.json())["access_token"])


def request(
    headers: dict[str, str] | CIMultiDict[str], method: str = "GET", url: str = f"{URL}?secret=1"
) -> dict[str, Any]:
    return {"method": method, "url": url, "headers": headers}


async def refusal(guard: Guard, headers: dict[str, str] | CIMultiDict[str], **sent: str) -> Refused:
    with pytest.raises(Refused) as refused:
        await guard.check(**request(headers, **sent))
    assert refused.value.status == 401
    return refused.value


@KINDS
async def test_who_holds_the_key_is_let_in(served: World, guards: Callable[..., Guard], kind: str) -> None:
    prover = Prover()
    token, guard = await bound_token(served, prover), guards(kind, **({"cache_seconds": 60} if kind != "jwks" else {}))
    for _ in range(2):
        found = await guard.check(**request(prover.with_token(token, url=URL)), scopes={"read"})
        assert found.claims["cnf"] == {"jkt": prover.jkt}
    post = prover.with_token(token, "POST", URL)
    assert (await guard.check(**request(post, "POST"))).subject == "alice"


@KINDS
async def test_a_stolen_token(served: World, guards: Callable[..., Guard], kind: str) -> None:
    prover, thief = Prover(), Prover()
    token, guard = await bound_token(served, prover), guards(kind)
    seen = prover.with_token(token, url=URL)
    await guard.check(**request(seen))
    dpop, as_bearer = {"Authorization": f"DPoP {token}"}, {"Authorization": f"Bearer {token}"}
    for what, headers, error in (
        ("without a proof", dpop, "invalid_dpop_proof"),
        ("with a proof that was seen", seen, "invalid_dpop_proof"),
        ("with a key of the thief's own", thief.with_token(token, url=URL), "invalid_token"),
        ("with a proof for another request", prover.with_token(token, "POST", URL), "invalid_dpop_proof"),
        ("with a proof for another path", prover.with_token(token, url=f"{API}/others"), "invalid_dpop_proof"),
        ("with a proof for another token", dpop | prover.headers("GET", URL, "another"), "invalid_dpop_proof"),
        ("with a proof without a token", dpop | prover.headers("GET", URL), "invalid_dpop_proof"),
        ("with an old proof", prover.with_token(token, url=URL, iat=int(time.time()) - 121), "invalid_dpop_proof"),
        ("with no proof at all", dpop | {"DPoP": "x"}, "invalid_dpop_proof"),
    ):
        refused = await refusal(guard, headers)
        assert refused.error == error, what
        challenge = refused.headers["WWW-Authenticate"]
        assert challenge.startswith(f'DPoP error="{error}", error_description="The '), what
        assert challenge.endswith(ALGS), what
    for headers in (as_bearer, as_bearer | prover.headers("GET", URL, token)):
        challenge = (await refusal(guard, headers)).headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer error="invalid_token"')
        assert challenge.endswith(f", DPoP {ALGS}"), "how it has to be sent"
    twice = [("DPoP", prover.proof("GET", URL, token)), ("dpop", prover.proof("GET", URL, token))]
    assert (await refusal(guard, CIMultiDict([*dpop.items(), *twice]))).error == "invalid_dpop_proof"


@KINDS
async def test_a_token_that_is_bound_to_nothing(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    assert (await guards(kind).check(**bearer(token))).subject == "alice"
    assert (await refusal(guards(kind), Prover().with_token(token, url=URL))).error == "invalid_token"
    with pytest.raises(Refused, match="bound to no key"):
        await guards(kind, dpop=DpopPolicy(required=True)).check(**bearer(token))


@pytest.mark.parametrize("cnf", [{"x5t#S256": "x"}, {"jkt": "x", "kid": "k"}, {"jwk": {}}, "jkt", ["jkt"]])
async def test_what_nobody_here_can_check_is_refused(served: World, guards: Callable[..., Guard], cnf: object) -> None:
    """P9: never as if it were bound to nothing."""
    keyring, now = served.issuer.keyring, int(time.time())
    assert keyring is not None
    claims = {"iss": served.issuer.url, "aud": API, "sub": "a", "client_id": "app", "jti": "x", "cnf": cnf}
    token = keyring.sign(SigningAlgorithm.ES256, claims | {"iat": now, "exp": now + 60}, typ="at+jwt")
    for headers in ({"Authorization": f"Bearer {token}"}, Prover().with_token(token, url=URL)):
        assert (await refusal(guards("jwks"), headers)).error == "invalid_token"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_only_algorithms_that_the_api_takes(served: World, guards: Callable[..., Guard], algorithm: str) -> None:
    prover = Prover()
    token = await bound_token(served, prover)
    guard = guards("jwks", dpop=DpopPolicy(algorithms=(algorithm,)))
    headers = prover.with_token(token, url=URL)
    if algorithm == "ES256":
        assert (await guard.check(**request(headers))).subject == "alice"
    else:
        assert (await refusal(guard, headers)).headers["WWW-Authenticate"].endswith('algs="RS256"')


async def test_behind_a_proxy_the_api_says_how_clients_call_it(served: World, guards: Callable[..., Guard]) -> None:
    prover = Prover()
    token = await bound_token(served, prover)
    inner = "http://10.0.0.7:8000/orders/%37?a=b"
    headers = prover.with_token(token, url="https://API.example.com:443/v1/orders/7")
    assert (await refusal(guards("jwks"), headers, url=inner)).error == "invalid_dpop_proof"
    guard = guards("jwks", dpop=DpopPolicy(public_url=f"{API}/v1/"))
    assert (await guard.check(**request(headers, url=inner))).subject == "alice"


@pytest.mark.parametrize("policy", [DpopPolicy(public_url=API), DpopPolicy(trust_host=True), DpopPolicy()])
def test_a_host_that_is_none_is_refused(policy: DpopPolicy) -> None:
    """``Host: [`` is nothing that the API has to be able to read."""
    check, prover = KeyCheck(policy, API), Prover()
    sent = SentRequest("GET", "https://[/orders", list(prover.with_token("token", url=URL).items()))
    with pytest.raises(Refused) as refused:
        check.check("dpop", "token", {"cnf": {"jkt": prover.jkt}}, sent, time.time())
    assert (refused.value.status, refused.value.error) == (401, "invalid_dpop_proof")


async def test_nonces(served: World, guards: Callable[..., Guard]) -> None:
    """Section 9: another process of the API takes the nonces of this one; the clock of the client does not matter."""
    prover, policy = Prover(), DpopPolicy(nonce_secret="of this API")
    token, guard = await bound_token(served, prover), guards("jwks", dpop=policy)
    for nonce in (None, "x", "A" * 22):
        refused = await refusal(guard, prover.with_token(token, url=URL, nonce=nonce))
        assert refused.error == "use_dpop_nonce"
        assert refused.headers["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce"')
    nonce = refused.headers["DPoP-Nonce"]
    other = guards("jwks", dpop=policy)
    for one in (guard, other):
        headers = prover.with_token(token, url=URL, nonce=nonce, iat=1)
        assert (await one.check(**request(headers))).subject == "alice"
        assert (await refusal(one, headers)).error == "invalid_dpop_proof", "used"
        assert one.headers() == {"DPoP-Nonce": nonce}
    over = prover.with_token(token, url=URL, nonce=nonce, exp=int(time.time()) - 60)
    assert (await refusal(guard, over)).error == "invalid_dpop_proof", "it says itself that it has expired"
    stranger = guards("jwks", dpop=DpopPolicy(nonce_secret="of another API"))
    assert (await refusal(stranger, prover.with_token(token, url=URL, nonce=nonce))).error == "use_dpop_nonce"


def test_metadata_say_what_is_wanted(guards: Callable[..., Guard]) -> None:
    """RFC 9728 section 2."""
    guard = guards("jwks", dpop=DpopPolicy(required=True, algorithms=("ES256",)))
    assert guard.metadata
    said = json.loads(guard.metadata.content)
    assert said["dpop_signing_alg_values_supported"] == ["ES256"]
    assert said["dpop_bound_access_tokens_required"] is True


def test_memory_of_proofs_is_bounded_and_ends_by_time() -> None:
    used = UsedProofs(3)
    assert [used.is_first_use(str(number), 100, 0.0) for number in range(5)] == [True] * 5
    assert len(used) == 3
    assert [used.is_first_use(str(number), 100, 99.0) for number in (4, 3, 2)] == [False] * 3
    assert used.is_first_use("0", 200, 99.0), "beyond the bound the oldest was forgotten"
    assert used.is_first_use("4", 200, 100.0), "nobody could send it any more"
    assert len(used) == 2


def test_a_refused_proof_is_not_remembered() -> None:
    """A thief cannot use up the proofs of others by sending them with another token."""
    check, prover = KeyCheck(DpopPolicy(), API), Prover()
    headers = prover.with_token("token", url=URL)
    with pytest.raises(Refused):
        check.check(
            "dpop", "other", {"cnf": {"jkt": prover.jkt}}, SentRequest("GET", URL, list(headers.items())), time.time()
        )
    check.check(
        "dpop", "token", {"cnf": {"jkt": prover.jkt}}, SentRequest("GET", URL, list(headers.items())), time.time()
    )


def test_a_proof_by_another_key_is_not_remembered() -> None:
    """Else who holds any key could fill the memory with proofs of their own for a token that is not theirs."""
    check, thief = KeyCheck(DpopPolicy(), API), Prover()
    sent = SentRequest("GET", URL, list(thief.with_token("token", url=URL).items()))
    for _ in range(2):
        with pytest.raises(Refused, match="another key"):
            check.check("dpop", "token", {"cnf": {"jkt": "x"}}, sent, time.time())
    check.check("dpop", "token", {"cnf": {"jkt": thief.jkt}}, sent, time.time())


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize("member", MEMBERS_OF_ITS_KEY)
def test_a_key_with_a_strange_member_is_refused(member: str, value: object) -> None:
    prover = Prover()
    headers = prover.with_token("token", url=URL, header={"jwk": prover.jwk | {member: value}})
    sent = SentRequest("GET", URL, list(headers.items()))
    with pytest.raises(Refused, match="its jwk is no public key for its alg"):
        KeyCheck(DpopPolicy(), API).check("dpop", "token", {"cnf": {"jkt": prover.jkt}}, sent, time.time())


def test_what_is_printed_of_a_policy_or_a_request_holds_no_credential() -> None:
    sent = SentRequest("GET", f"{URL}?code=secret", [("authorization", "Bearer secret")])
    assert "secret" not in f"{sent!r} {sent}"
    assert "of-all-processes" not in repr(DpopPolicy(nonce_secret="of-all-processes"))


# before applications


async def _exercise(served: World, url: str, path: str) -> None:
    """Get a nonce, be let in with it, get another one with the answer, and be refused with the same proof."""
    prover = Prover()
    token = await bound_token(served, prover)
    async with ClientSession() as http:
        first = await http.get(url + path, headers=prover.with_token(token, url=url + path))
        assert (first.status, "use_dpop_nonce" in first.headers["WWW-Authenticate"]) == (401, True)
        nonce = first.headers["DPoP-Nonce"]
        headers = prover.with_token(token, url=f"{url}{path}", nonce=nonce)
        answered = await http.get(f"{url}{path}?query=1", headers=headers)
        assert (answered.status, await answered.text()) == (200, "alice")
        assert answered.headers.getall("DPoP-Nonce") == [nonce]
        again = await http.get(f"{url}{path}?query=1", headers=headers)
        assert (again.status, again.headers.getall("DPoP-Nonce")) == (401, [nonce])


async def test_before_aiohttp_handlers(served: World, guards: Callable[..., Guard]) -> None:
    async def whose(incoming: web.Request) -> web.Response:
        return web.Response(text=incoming[TOKEN].subject)

    guard = guards("jwks", dpop=DpopPolicy(nonce_secret="s", trust_host=True))
    app = web.Application(middlewares=[aiohttp_guard(guard)])
    app.router.add_get("/orders/{name}", whose)
    async with TestClient(TestServer(app)) as http:
        await _exercise(served, str(http.make_url("")).rstrip("/"), "/orders/a%2Fb%20c")


async def test_before_an_asgi_application(served: World, guards: Callable[..., Guard]) -> None:
    prover, guard = Prover(), guards("jwks", dpop=DpopPolicy(nonce_secret="s", trust_host=True))
    token = await bound_token(served, prover)
    sent: list[Any] = []

    async def app(scope: Any, _: Any, send: Any) -> None:
        assert scope["mintmark_token"].subject == "alice"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b"in"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    async def ask(scheme: str = "https", **claims: Any) -> tuple[int, dict[bytes, bytes]]:
        sent.clear()
        headers = prover.with_token(token, url=f"{API}/orders/a%2Fb", **claims)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        where = {"scheme": scheme, "path": "/orders/a/b", "raw_path": b"/orders/a%2Fb", "query_string": b"q=1"}
        scope = {"type": "http", "method": "GET", **where, "headers": [(b"host", b"api.example.com"), *raw]}
        await AsgiGuard(app, guard)(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    status, headers = await ask()
    nonce = headers[b"dpop-nonce"].decode()
    assert (status, b"use_dpop_nonce" in headers[b"www-authenticate"]) == (401, True)
    assert await ask(nonce=nonce) == (200, {b"x": b"y", b"dpop-nonce": nonce.encode()})
    status, headers = await ask("http", nonce=nonce)
    assert (status, b"htu" in headers[b"www-authenticate"]) == (401, True)
