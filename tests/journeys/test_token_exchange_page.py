"""What docs/how-to/token-exchange.md tells operators and services to type does what it says there."""

import json
from pathlib import Path

import jwt
import pytest

from service.app import open_issuer
from tests.exchanging import ID_JAG, STOCK
from tests.pages import Page, Shell
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow
PAGE = Page("how-to/token-exchange.md")


async def test_the_examples_do_what_they_say(redis: Shape, tmp_path: Path) -> None:
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}")
    shell = Shell(tmp_path, {"127.0.0.1:8080": f"127.0.0.1:{port}"}, MINTMARK_REDIS_URL=redis.url)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        *exchanging, agent, wiki, for_chat, trust = PAGE.blocks("sh")
        member = next(line for line in exchanging[1].splitlines() if line.startswith("MEMBER="))
        said = await shell.run("\n".join([*exchanging, agent]))
        said += await shell.run("\n".join([member, wiki, for_chat, trust]))
        for_stock, acting, jag = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        example = json.loads(PAGE.block("json"))
        assert {name: acting[name] for name in example} == example
        assert acting["source_clients"] == ["shop"]

        await world.client("stock", introspect=True, resources=(STOCK,), grant_types=())
        said_of_it = await world.introspect(for_stock["access_token"], "stock")
        assert {name: said_of_it[name] for name in ("sub", "client_id", "aud", "scope")} == {
            "sub": "alice",
            "client_id": "orders",
            "aud": [STOCK],
            "scope": "read",
        }
        asked = await world.post("/introspect", {"token": for_stock["access_token"]}, "shop", "shop-secret")
        assert await asked.json() == {"active": False}, "the application has nothing to do with it"

        claims = jwt.decode(jag["access_token"], options={"verify_signature": False})
        assert jag["issued_token_type"] == ID_JAG
        assert (claims["aud"], claims["client_id"]) == ("https://chat.example", "wiki-at-chat")
        kept = await issuer.store.trusted_issuers.get("https://login.example")
        assert kept
        assert (kept.uses, kept.subject_claim, kept.clients) == (("id-jag",), "email", ("chat-client",))
