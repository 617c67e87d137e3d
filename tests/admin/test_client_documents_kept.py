"""What an operator set at a client that has a document: the document does not take it off, however often it is read."""

from dataclasses import replace
from typing import Any

import pytest

from service.admin import clients
from service.protocol.names import ClientAuthMethod
from tests.assertions import JWKS
from tests.documents import DocumentHost
from tests.person import Person
from tests.world import World

CODE, REFRESH, WORKLOAD = "authorization_code", "refresh_token", "client_credentials"

SET: list[dict[str, Any]] = [
    {"dpop_bound_access_tokens": True},
    {"require_pushed_authorization_requests": True},
    {"tls_client_certificate_bound_access_tokens": True},
    {"auth_method": ClientAuthMethod.PRIVATE_KEY_JWT, "jwks": JWKS},
    {"auth_method": ClientAuthMethod.CLIENT_SECRET_BASIC},
    {"auth_method": ClientAuthMethod.CLIENT_SECRET},
    {"userinfo_signed_response_alg": "RS256"},
    {"grant_types": (CODE,)},
    {"grant_types": (CODE, REFRESH, WORKLOAD), "auth_method": ClientAuthMethod.PRIVATE_KEY_JWT, "jwks": JWKS},
    {"scopes": ("openid", "orders")},
    {"scopes": ("openid",)},
]
SAID: list[dict[str, Any]] = [
    {},
    {"token_endpoint_auth_method": "none", "dpop_bound_access_tokens": False, "subject_type": "public"},
    {"grant_types": [CODE, REFRESH], "response_types": ["code"], "scope": "openid profile"},
]


@pytest.mark.parametrize("given", SET, ids=lambda given: " ".join(given))
async def test_what_an_operator_set_stays(open_world: World, host: DocumentHost, given: dict[str, Any]) -> None:
    host.members = {"grant_types": [CODE, REFRESH]}
    await Person(open_world).authorize(host.url)
    await clients.update_client(open_world.issuer, host.url, given)
    for number, said in enumerate(SAID, 1):
        host.members = {"grant_types": [CODE, REFRESH], **said, "client_name": f"Name {number}"}
        async with open_world.later(4000 * number) as then:
            await Person(then).authorize(host.url)
        client = await clients.get_client(open_world.issuer, host.url)
        assert client.name == f"Name {number}", "its document counts"
        assert {name: getattr(client, name) for name in given} == given, said


async def test_a_document_may_protect_a_client_better(open_world: World, host: DocumentHost) -> None:
    await Person(open_world).authorize(host.url)
    await clients.update_client(open_world.issuer, host.url, {"dpop_bound_access_tokens": True})
    host.members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    async with open_world.later(4000) as then:
        await Person(then).authorize(host.url)
    client = await clients.get_client(open_world.issuer, host.url)
    assert (client.auth_method, client.jwks, client.dpop_bound_access_tokens) == ("private_key_jwt", JWKS, True)


async def test_keys_that_a_document_takes_out_are_gone(open_world: World, host: DocumentHost) -> None:
    """One that is an operator's authenticates by the keys of its document, as long as that says so."""
    host.members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    await Person(open_world).authorize(host.url)
    await clients.update_client(open_world.issuer, host.url, {"dpop_bound_access_tokens": True})
    host.members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": ...}
    async with open_world.later(4000) as then:
        assert (await Person(then).authorize(host.url)).error == "invalid_request"


async def test_what_is_set_while_the_document_is_read_stays(open_world: World, host: DocumentHost) -> None:
    """The fetch begins with the client as it was."""
    await Person(open_world).authorize(host.url)
    seen = await clients.get_client(open_world.issuer, host.url)
    await clients.update_client(open_world.issuer, host.url, {"dpop_bound_access_tokens": True})
    clock = open_world.issuer.clock
    issuer = replace(open_world.issuer, clock=lambda: clock() + 4000)
    host.members = {"client_name": "Other"}
    read = await issuer.client_documents.current(issuer, host.url, seen, "192.0.2.1")
    assert read is not None
    assert (read.name, read.dpop_bound_access_tokens) == ("Other", True)
