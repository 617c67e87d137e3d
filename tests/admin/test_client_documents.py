"""Clients whose client_id is the URL of a document: what they may say there, how long it counts, and what refuses them."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.admin import client_ending, clients
from service.outbound import http_client
from service.outbound.http_client import Purpose
from service.protocol.errors import InvalidClient
from service.records.client import Client
from tests.assertions import JWKS, Signer
from tests.documents import DocumentHost, redeem, refresh, taking_documents
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import World, error_of, private_jwk, settings_for

SCOPE = "openid profile"


async def test_a_person_signs_in_and_tokens_come(open_world: World, host: DocumentHost) -> None:
    """Nothing is registered; all that is kept ends by itself; its grants are seen and ended as any other's."""
    host.members = {"grant_types": ["authorization_code", "refresh_token"]}
    person = Person(open_world)
    login = await person.authorize(host.url, scope=SCOPE)
    assert "localhost" in login.text
    assert 'id="document-host"' in login.text
    assert -1 not in open_world.ends("client").values()
    consent = await person.log_in(login)
    assert 'id="document-host"' in consent.text
    assert 'id="device-only"' not in consent.text
    response = await redeem(open_world, host, (await person.agree(consent)).answer["code"])
    assert response.status == 200
    tokens = await response.json()
    assert host.fetched == 1
    await open_world.issuer.store.ping()
    assert -1 not in open_world.ends("client").values()
    assert not open_world.key_names("{registrations}"), "it is used, and takes no place"
    refreshed = await refresh(open_world, host, tokens["refresh_token"])
    assert refreshed.status == 200
    page = await person.get("/applications")
    assert "Their App" in page.text
    await client_ending.revoke_client(open_world.issuer, host.url)
    assert (await refresh(open_world, host, (await refreshed.json())["refresh_token"])).status == 400


async def test_where_it_is_off_such_a_client_is_unknown(world: World, host: DocumentHost) -> None:
    shown = await Person(world).authorize(host.url)
    assert (shown.status, shown.error, host.fetched) == (400, "invalid_request", 0)
    assert (
        "client_id_metadata_document_supported"
        not in await (await world.http.get("/.well-known/openid-configuration")).json()
    )


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"client_id": "https://localhost/other.json"}, "its client_id is not its URL"),
    ({"client_id": ...}, "its client_id is not its URL"),
    ({"client_secret": "s3cret"}, "client_secret"),
    ({"client_secret_expires_at": 0}, "client_secret_expires_at"),
    ({"token_endpoint_auth_method": "client_secret_basic"}, "needs a secret"),
    ({"token_endpoint_auth_method": "client_secret_post"}, "needs a secret"),
    ({"token_endpoint_auth_method": "client_secret_jwt"}, "needs a secret"),
    ({"token_endpoint_auth_method": "client_secret"}, "needs a secret"),
    ({"token_endpoint_auth_method": "telepathy"}, "token_endpoint_auth_method"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
    (
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [private_jwk("ES256")]}},
        "private or symmetric",
    ),
    (
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        "private or symmetric",
    ),
    ({"redirect_uris": ...}, "redirect_uris"),
    ({"redirect_uris": []}, "redirect_uris"),
    ({"redirect_uris": "https://app.example/callback"}, "redirect_uris"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
    ({"redirect_uris": ["http://app.example/callback"]}, "redirect_uris"),
    ({"client_name": "Mintmark"}, "client_name"),
    ({"grant_types": ["client_credentials"]}, "grant_types"),
]


async def test_a_document_that_cannot_be_used(redis: Shape, host: DocumentHost) -> None:
    """A page at the authorization endpoint, invalid_client where clients authenticate; nothing is kept of it."""
    first = host.url
    async with taking_documents(redis, client_failures_allowed=1000) as world:
        for number, (members, said) in enumerate(UNUSABLE):
            host.url, host.members = first.replace("client", f"client-{number}"), members
            shown = await Person(world).authorize(host.url)
            assert (shown.status, shown.location, shown.error) == (400, "", "invalid_request"), members
            assert said in shown.text.replace("&#39;", "'"), shown.text
            assert await error_of(await redeem(world, host, "mm_ac_x")) == (401, "invalid_client"), members
        assert not world.key_names("mm:client")


ANSWERS: list[dict[str, Any]] = [
    {"status": 404},
    {"status": 500},
    {"status": 302, "headers": {"Location": "https://localhost/elsewhere.json"}},
    {"status": 201},
    {"content": b"no JSON"},
    {"content": b"[]"},
    {"content": b"{" + b" " * 20_000 + b"}"},
    {"headers": {"Content-Type": "text/html"}},
    {"headers": {"Content-Encoding": "gzip"}},
]


async def test_an_answer_that_is_no_document(redis: Shape, host: DocumentHost) -> None:
    usual = vars(host).copy()
    async with taking_documents(redis) as world:
        for number, answer in enumerate(ANSWERS):
            vars(host).update(usual | answer)
            url = host.url.replace("client", f"client-{number}")
            shown = await Person(world).authorize(url)
            assert (shown.status, shown.error, host.fetched) == (400, "invalid_request", 1), answer
            await Person(world).authorize(url)
            assert host.fetched == 1, "for a moment it is not asked again"


NO_DOCUMENTS = (
    "https://localhost",
    "https://localhost/",
    "https://localhost/a/../b.json",
    "https://localhost/%2e%2e/b.json",
    "https://user@localhost/b.json",
    "https://localhost/b.json#fragment",
    "https://localhost:0/b.json",
    "https:///b.json",
    "https://[/b.json",
    "https://loc alhost/b.json",
    "https://127.0.0.1:1/b.json",
)


async def test_a_url_that_is_none_of_a_document(open_world: World) -> None:
    for client_id in NO_DOCUMENTS:
        shown = await Person(open_world).authorize(client_id)
        assert (shown.status, shown.error) == (400, "invalid_request"), client_id


async def test_private_addresses_are_not_fetched(redis: Shape, host: DocumentHost) -> None:
    async with taking_documents(redis, fetch_private_addresses=False) as strict:
        shown = await Person(strict).authorize(host.url)
        assert (shown.status, shown.error, host.fetched) == (400, "invalid_request", 0)


async def test_a_host_that_is_slow(redis: Shape, host: DocumentHost) -> None:
    host.hangs = True
    async with taking_documents(redis, fetch_timeout=0.2) as other:
        shown = await Person(other).authorize(host.url)
        assert (shown.status, shown.error, host.fetched) == (400, "invalid_request", 1)


@pytest.mark.parametrize(
    ("settings", "is_taken"),
    [
        ({"client_document_hosts": ("localhost:PORT",)}, True),
        ({"client_document_hosts": ("localhost",)}, False),
        ({"client_document_denied_hosts": ("localhost:PORT",)}, False),
        ({"client_document_denied_hosts": ("localhost:1",)}, True),
        ({"client_document_hosts": ("*.example.com",)}, False),
        ({"client_document_denied_hosts": ("localhost",)}, False),
        ({"client_document_hosts": ("localhost:PORT",), "client_document_denied_hosts": ("localhost",)}, False),
        ({"client_document_redirects": "same_origin"}, False),
    ],
)
async def test_hosts_and_origins_by_setting(
    redis: Shape, host: DocumentHost, settings: dict[str, Any], is_taken: bool
) -> None:
    port = str(urlsplit(host.url).port)
    named = {
        name: value if isinstance(value, str) else tuple(one.replace("PORT", port) for one in value)
        for name, value in settings.items()
    }
    async with taking_documents(redis, **named) as other:
        shown = await Person(other).authorize(host.url)
        assert (shown.heading == "Sign in") is is_taken


async def test_redirect_uris_of_its_own_origin(redis: Shape, host: DocumentHost) -> None:
    own = host.url.replace("client.json", "callback")
    host.members = {"redirect_uris": [own]}
    async with taking_documents(redis, client_document_redirects="same_origin") as other:
        assert (await Person(other).authorize(host.url, redirect_uri=own)).heading == "Sign in"


async def test_an_app_on_the_device_could_be_anybody(open_world: World, host: DocumentHost) -> None:
    """All redirect URIs are loopback: whoever runs a program there can say that it is this client."""
    host.members = {"redirect_uris": ["http://localhost/callback"]}
    shown = await Person(open_world).authorize(host.url, redirect_uri="http://localhost:4711/callback")
    assert shown.heading == "Sign in"
    assert 'id="device-only"' in shown.text


# what strangers could fill


async def test_there_is_room_for_so_many_that_nobody_uses(redis: Shape, host: DocumentHost) -> None:
    async with taking_documents(redis, registration_unused_most_per_network=3) as other:
        urls = [host.url.replace("client", f"client-{number}") for number in range(5)]
        shown = [await Person(other).authorize(url) for url in urls]
        assert [one.status for one in shown] == [200, 200, 200, 429, 429]
        assert host.fetched == 3, "where there is no place nothing is fetched"
        assert len(other.key_names("mm:client:")) == 3


async def test_a_document_that_fails_takes_no_place(redis: Shape, host: DocumentHost) -> None:
    async with taking_documents(redis, registration_unused_most_per_network=1) as other:
        host.status = 404
        for number in range(3):
            assert (await Person(other).authorize(host.url.replace("client", f"client-{number}"))).status == 400
        host.status = 200
        assert (await Person(other).authorize(host.url)).heading == "Sign in"


async def test_slow_hosts_keep_few_connections_busy(redis: Shape, host: DocumentHost) -> None:
    """Ten for each network; who comes then is refused, and nothing is held against them or the document."""
    host.hangs = True
    async with taking_documents(redis, fetch_timeout=3, client_failures_allowed=1000) as other:
        documents, issuer = other.issuer.client_documents, other.issuer
        urls = [host.url.replace("client", f"client-{number}") for number in range(30)]
        found = await asyncio.gather(
            *(documents.current(issuer, url, None, "192.0.2.1") for url in urls), return_exceptions=True
        )
        assert all(isinstance(one, InvalidClient) for one in found)
        assert host.fetched == 10
        host.hangs = False
        assert await documents.current(issuer, urls[-1], None, "192.0.2.1"), "it is not remembered as one that failed"


async def test_a_network_that_is_busy_is_no_word_on_a_document_to_others(redis: Shape, host: DocumentHost) -> None:
    host.hangs = True
    async with taking_documents(redis, fetch_timeout=3, client_failures_allowed=1000) as other:
        documents, issuer = other.issuer.client_documents, other.issuer
        urls = [host.url.replace("client", f"client-{number}") for number in range(10)]
        slow = [asyncio.ensure_future(documents.current(issuer, url, None, "192.0.2.1")) for url in urls]
        while host.fetched < 10:
            await asyncio.sleep(0.01)
        host.hangs = False
        at_once = (documents.current(issuer, host.url, None, address) for address in ("192.0.2.1", "198.51.100.1"))
        busy, found = await asyncio.gather(*at_once, return_exceptions=True)
        assert isinstance(busy, InvalidClient)
        assert isinstance(found, Client)
        await asyncio.gather(*slow, return_exceptions=True)


async def test_connections_that_others_keep_busy_are_held_against_nobody(
    redis: Shape, host: DocumentHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONNECTIONS_EACH", 1)
    host.hangs = True
    async with taking_documents(redis, fetch_timeout=0.3, client_failures_allowed=1, failure_first_delay=60) as other:
        documents, issuer = other.issuer.client_documents, other.issuer
        ask = issuer.http_client.request(
            "GET", host.url, Purpose.CLIENT_DOCUMENT, headers={}, timeout=PATIENCE, network="x"
        )
        busy = asyncio.ensure_future(ask)
        while not host.fetched:
            await asyncio.sleep(0.01)
        for _ in range(3):
            with pytest.raises(InvalidClient):
                await documents.current(issuer, host.url, None, "192.0.2.1")
        assert host.fetched == 1
        busy.cancel()
        host.hangs = False
        patient = settings_for(redis.url, fetch_private_addresses=True, fetch_timeout=PATIENCE)
        monkeypatch.setattr(issuer.http_client, "_settings", patient)
        assert await documents.current(issuer, host.url, None, "192.0.2.1")


async def test_who_names_documents_in_vain_has_to_wait(redis: Shape, host: DocumentHost) -> None:
    host.status = 404
    async with taking_documents(redis, client_failures_allowed=5, failure_first_delay=60) as other:
        urls = [host.url.replace("client", f"client-{number}") for number in range(10)]
        shown = [await Person(other).authorize(url) for url in urls]
        assert [one.status for one in shown] == [400] * 6 + [429] * 4
        assert host.fetched == 6
        assert b"client_documents_limited" in other.issuer.metrics.exposition()


# what an operator does with one


async def test_an_operator_s_word_outlives_the_document(open_world: World, host: DocumentHost) -> None:
    await Person(open_world).authorize(host.url)
    await clients.update_client(
        open_world.issuer, host.url, {"access_token_lifetime": 60, "audiences": ["https://api.example"]}
    )
    assert open_world.ends("mm:client:") == {f"mm:client:{host.url}": -1}
    host.members = {"client_name": "Other"}
    async with open_world.later(4000) as then:
        await Person(then).authorize(host.url)
        client = await clients.get_client(then.issuer, host.url)
        assert (client.name, client.access_token_lifetime, client.audiences) == ("Other", 60, ("https://api.example",))
        await client_ending.disable_client(then.issuer, host.url)
        assert (await Person(then).authorize(host.url)).error == "invalid_request"


async def test_one_that_is_disabled_does_not_come_back(open_world: World, host: DocumentHost) -> None:
    """It is kept for ever, or its document would make it anew."""
    await Person(open_world).authorize(host.url)
    assert open_world.ends("mm:client:") != {f"mm:client:{host.url}": -1}
    await client_ending.disable_client(open_world.issuer, host.url)
    assert open_world.ends("mm:client:") == {f"mm:client:{host.url}": -1}
    async with open_world.later(4000) as then:
        assert (await Person(then).authorize(host.url)).error == "invalid_request"


async def test_an_operator_s_client_of_that_name_has_no_document(open_world: World, host: DocumentHost) -> None:
    await open_world.public_client(host.url, scopes=("openid",))
    assert (await Person(open_world).authorize(host.url)).heading == "Sign in"
    assert host.fetched == 0


async def test_it_may_prove_itself_by_a_key_of_its_document(open_world: World, host: DocumentHost) -> None:
    host.members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    code = (await Person(open_world).sign_in(host.url, scope=SCOPE)).answer["code"]
    assert await error_of(await redeem(open_world, host, code)) == (401, "invalid_client")
    form = Signer(subject=host.url).form()
    assert (await redeem(open_world, host, code, **form)).status == 200
