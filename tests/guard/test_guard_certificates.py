"""The guard and tokens that are bound to a certificate (RFC 8705 section 3): a stolen one is worth nothing."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, TCPConnector, web
from multidict import CIMultiDict

from mintmark_guard import CertificatePolicy, Guard, Refused
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard
from mintmark_guard.asgi import AsgiGuard
from service.fronts.any_certificate import AnyCertificate
from service.protocol.names import AccessTokenFormat
from tests.certificates import DAY, PROXIED, ask, self_signed
from tests.dpop import Prover
from tests.guard.guarding import API
from tests.server_process import free_port
from tests.world import CALLBACK, World, basic

MINE, OTHER, EXPIRED = self_signed(), self_signed(), self_signed(begins=-2 * DAY, ends=-DAY)
PROXY = CertificatePolicy(forwarded="rfc9440", trusted_proxies=("10.0.0.0/8",))
KINDS = pytest.mark.parametrize("kind", ["jwks", "introspection"])


async def bound_token(served: World, headers: dict[str, str] | None = None) -> str:
    """A JWT, which both kinds of guard take."""
    async with served.having(**PROXIED | {"issuer": served.issuer.url}) as there:
        client = await there.client(
            audiences=(API,),
            access_token_format=AccessTokenFormat.JWT,
            tls_client_certificate_bound_access_tokens=True,
        )
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        form["code"] = await there.code(client, scope="read", audience=(API,))
        answered = await ask(there, "/token", MINE, basic("app") | (headers or {}), **form)
        assert answered.status == 200, await answered.text()
        served.issuer.store.clients.forget(["app"])
        return str((await answered.json())["access_token"])


def request(token: str, **more: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
    return {"method": "GET", "url": f"{API}/orders", "headers": headers, **more}


async def refusal(guard: Guard, token: str, **more: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        await guard.check(**request(token, **more))
    return refused.value.status, refused.value.error


@KINDS
async def test_only_who_shows_the_certificate_is_let_in(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token, guard = await bound_token(served), guards(kind)
    assert (await guard.check(**request(token, certificate=MINE.der))).subject == "alice"
    for shown in (None, OTHER.der, EXPIRED.der, b"\x30\x82\x01", self_signed(key=MINE.key).der):
        assert await refusal(guard, token, certificate=shown) == (401, "invalid_token")
    assert await refusal(guard, token, headers=MINE.headers) == (401, "invalid_token"), "a header of anybody"
    assert await refusal(guard, token, headers=MINE.headers, peer="10.0.0.1") == (401, "invalid_token")


@KINDS
async def test_a_trusted_proxy_speaks_for_its_clients(served: World, guards: Callable[..., Guard], kind: str) -> None:
    token, guard = await bound_token(served), guards(kind, certificates=PROXY)
    assert (await guard.check(**request(token, headers=MINE.headers, peer="10.1.2.3"))).subject == "alice"
    assert (await guard.check(**request(token, headers=MINE.headers, peer="::ffff:10.1.2.3"))).subject == "alice"
    for shown, peer in ((OTHER, "10.1.2.3"), (MINE, "192.0.2.1"), (MINE, ""), (MINE, "unix")):
        assert await refusal(guard, token, headers=shown.headers, peer=peer) == (401, "invalid_token")
    proxy = {"peer": "10.1.2.3", "certificate": MINE.der}
    assert await refusal(guard, token, **proxy) == (401, "invalid_token"), (
        "what the proxy itself shows is not its client's"
    )
    assert await refusal(guard, token, headers={"Client-Cert": "x"}, peer="10.1.2.3") == (400, "invalid_request")
    twice: Any = CIMultiDict(
        [("Authorization", f"Bearer {token}"), *[("client-cert", MINE.headers["Client-Cert"])] * 2]
    )
    with pytest.raises(Refused) as refused:
        await guard.check(**request(token, peer="10.1.2.3") | {"headers": twice})
    assert refused.value.status == 400


async def test_another_form_under_another_name(served: World, guards: Callable[..., Guard]) -> None:
    token = await bound_token(served)
    policy = CertificatePolicy(forwarded="nginx", header="X-Cert", trusted_proxies=("10.0.0.0/8",))
    guard = guards("jwks", certificates=policy)
    headers = {"X-Cert": quote(MINE.pem)}
    assert (await guard.check(**request(token, headers=headers, peer="10.0.0.1"))).subject == "alice"
    headers = {"ssl-client-cert": quote(MINE.pem)}
    assert await refusal(guard, token, headers=headers, peer="10.0.0.1") == (401, "invalid_token")


async def test_bound_to_both_it_needs_both(served: World, guards: Callable[..., Guard]) -> None:
    prover = Prover()
    url = f"{served.issuer.url}/token"
    token, guard = await bound_token(served, prover.headers(url=url)), guards("jwks")

    def sent(one: Prover) -> dict[str, Any]:
        return request(token, headers=one.with_token(token, url=f"{API}/orders"))

    assert (await guard.check(**sent(prover), certificate=MINE.der)).subject == "alice"
    for one, shown in ((prover, None), (prover, OTHER.der), (Prover(), MINE.der)):
        with pytest.raises(Refused):
            await guard.check(**sent(one), certificate=shown)
    assert await refusal(guard, token, certificate=MINE.der) == (401, "invalid_token")


async def test_a_token_that_is_bound_to_something_else(
    guards: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = guards("jwks")

    def claims(_: str) -> Any:
        return {"aud": API, "cnf": {"x5t#S256": "x", "kid": "1"}}

    monkeypatch.setattr(guard.source, "at_hand", claims)
    assert await refusal(guard, "x", certificate=MINE.der) == (401, "invalid_token")


async def test_before_aiohttp_handlers_at_a_tls_listener(
    served: World, guards: Callable[..., Guard], tmp_path: Path
) -> None:
    async def hello(http: web.Request) -> web.Response:
        return web.json_response(http[TOKEN].subject)

    app = web.Application(middlewares=[aiohttp_guard(guards())])
    app.router.add_get("/", hello)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    server = self_signed()
    await web.TCPSite(runner, "localhost", port, ssl_context=AnyCertificate(*server.files(tmp_path, "server"))).start()
    headers = {"Authorization": f"Bearer {await bound_token(served)}"}
    for shown, status in ((MINE, 200), (OTHER, 401), (None, 401)):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if shown is not None:
            context.load_cert_chain(*shown.files(tmp_path, "shown"))
        async with ClientSession(connector=TCPConnector(ssl=context)) as http:
            assert (await http.get(f"https://localhost:{port}/", headers=headers)).status == status
    await runner.cleanup()


async def test_before_an_asgi_application(served: World, guards: Callable[..., Guard]) -> None:
    """The TLS extension of ASGI tells the certificate."""
    statuses: list[int] = []

    async def app(*_: Any) -> None:
        statuses.append(200)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Any:
        raise AssertionError

    headers = [(b"authorization", f"Bearer {await bound_token(served)}".encode())]
    forwarded = [*headers, (b"client-cert", MINE.headers["Client-Cert"].encode())]
    usual: dict[str, Any] = {"type": "http", "path": "/", "headers": headers}
    told = {"extensions": {"tls": {"client_cert_chain": [MINE.pem, OTHER.pem]}}}
    none: dict[str, Any] = {"extensions": {"tls": {"client_cert_chain": []}}, "client": None}
    proxied = {"headers": forwarded, "client": ("10.0.0.1", 1)}
    direct = AsgiGuard(app, guards())
    for scope in (usual | told, usual | none, usual, usual | proxied):
        await direct(scope, receive, send)
    behind = AsgiGuard(app, guards(certificates=PROXY))
    for scope in (usual | proxied, usual | told, usual | proxied | {"client": ("192.0.2.1", 1)}):
        await behind(scope, receive, send)
    assert statuses == [200, 401, 401, 401, 200, 200, 401]


@pytest.mark.parametrize(
    "policy",
    [{"forwarded": "apache", "trusted_proxies": ("10.0.0.0/8",)}, {"forwarded": "nginx"}, {"trusted_proxies": ("x",)}],
)
def test_a_policy_that_cannot_be_meant(policy: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        CertificatePolicy(**policy)
