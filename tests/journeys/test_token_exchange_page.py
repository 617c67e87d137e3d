"""What docs/how-to/token-exchange.md tells operators and services to type does what it says there."""

import json
from pathlib import Path

import pytest

from service.app import open_issuer
from tests.exchanging import ID, ORDERS, STOCK, acting, app
from tests.free_ports import free_ports
from tests.pages import Page, Shell
from tests.redis_shapes import Shape
from tests.world import SECRET, World, in_process, settings_for

pytestmark = pytest.mark.slow
PAGE = Page("how-to/token-exchange.md")


async def test_the_examples_do_what_they_say(redis: Shape, tmp_path: Path) -> None:
    create, service, agent, issue, trust = PAGE.blocks("console")
    [port] = free_ports(1)
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}")
    shell = Shell(tmp_path, {"https://auth.example": settings.issuer}, MINTMARK_REDIS_URL=redis.url, SECRET=SECRET)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        held = await world.tokens(await app(world), audience=(ORDERS,), scope="openid read")
        created = await shell.read(f"{create.strip()} --json")
        token = {"TOKEN_OF_THE_USER": held["access_token"], "SECRET": created["client_secret"]}
        body = await shell.read(service, **token)
        said = await world.introspect(body["access_token"], "app") if body else {}
        assert said == {"active": False}, "the application has nothing to do with it"
        await world.client("stock", introspect=True, resources=(STOCK,), grant_types=())
        said = await world.introspect(body["access_token"], "stock")
        assert (said["sub"], said["client_id"], said["aud"], said["scope"]) == ("alice", "orders", [STOCK], "read")

        grant_types = ("client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange")
        await world.client("agent", grant_types=grant_types, exchange_from=("app",))
        mine = (await acting(world, "agent"))["actor_token"]
        answered = await shell.read(agent, TOKEN_OF_THE_USER=held["access_token"], TOKEN_OF_THE_AGENT=mine)
        example = json.loads(PAGE.block("json"))
        said = await world.introspect(answered["access_token"], "agent")
        assert {name: said[name] for name in example} == example

        await world.openid_client("wiki", grant_types=("authorization_code", *grant_types))
        await shell.run(issue)
        world.issuer.store.clients.forget(["wiki"])
        wiki = await world.issuer.store.clients.get("wiki")
        assert wiki
        assert wiki.exchange_issuers == ("https://chat.example#wiki-at-chat",)
        own = await world.tokens(wiki, scope="openid")
        asked = {"requested_token_type": ID.replace("id_token", "id-jag"), "audience": "https://chat.example"}
        exchange = {"grant_type": grant_types[1], "subject_token": own["id_token"], "subject_token_type": str(ID)}
        assert (await world.token("wiki", **exchange, **asked)).status == 200
        await shell.run(trust)
        kept = await issuer.store.trusted_issuers.get("https://login.example")
        assert kept
        assert (kept.uses, kept.subject_claim, kept.clients) == (("id-jag",), "email", ("chat-client",))
