"""The API that the suite calls: it takes what is bound as it should be, and sends the interaction's id back."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from service.app import open_issuer
from tests.certificates import PROXIED, ask, self_signed
from tests.conformance.resource_server import INTERACTION, PATH, resource_application, resource_guard
from tests.dpop import Prover
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import SECRET, World, basic, in_process, settings_for

API = f"https://api.example{PATH}"
FORM = {"grant_type": "client_credentials"}
Caller = TestClient[Request, Application]


@pytest.fixture
async def served(redis: Shape) -> AsyncIterator[World]:
    port = free_port()
    async with (
        open_issuer(settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", **PROXIED)) as issuer,
        in_process(issuer, port=port) as http,
    ):
        world = World(issuer, http, redis)
        await world.client("api", introspect=True, resources=(API,))
        yield world


@pytest.fixture
async def api(served: World) -> AsyncIterator[Caller]:
    guard = resource_guard(served.issuer.url, API, "api", SECRET)
    async with TestClient(TestServer(resource_application(guard))) as caller:
        yield caller


async def test_a_token_with_its_proof_is_let_in_and_finds_its_interaction(served: World, api: Caller) -> None:
    await served.client(audiences=(API,))
    prover = Prover()
    proof = prover.headers(url=f"{served.issuer.url}/token")
    answered = await ask(served, "/token", None, basic("app") | proof, **FORM)
    token = (await answered.json())["access_token"]
    sent = {INTERACTION: "c770aef3-6784-41f7-8e0e-ff5f97bddb3a"}
    let_in = await api.get(PATH, headers=prover.with_token(token, url=API) | sent)
    assert let_in.status == 200, await let_in.text()
    assert let_in.headers[INTERACTION] == sent[INTERACTION]
    of_its_own = await api.get(PATH, headers=prover.with_token(token, url=API))
    assert len(of_its_own.headers[INTERACTION]) == 36
    for headers in ({}, {"Authorization": f"Bearer {token}"}, Prover().with_token(token, url=API)):
        assert (await api.get(PATH, headers=headers | sent)).status == 401


async def test_a_token_that_is_bound_to_a_certificate_is_let_in_with_that(served: World, api: Caller) -> None:
    await served.client(audiences=(API,), tls_client_certificate_bound_access_tokens=True)
    mine = self_signed()
    answered = await ask(served, "/token", mine, basic("app"), **FORM)
    token = (await answered.json())["access_token"]
    for shown, status in ((mine, 200), (self_signed(), 401), (None, 401)):
        headers = {} if shown is None else {"ssl-client-cert": quote(shown.pem)}
        assert (await api.get(PATH, headers={"Authorization": f"Bearer {token}"} | headers)).status == status
