"""What the operator's account may do, as API servers say it: in lists, and where they list nothing one by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.operator.api_server import ApiServer, ApiServerError
from service.operator.rights import RIGHTS, Right, missing_rights
from tests.operator.test_connections import Access, answering

GROUP = {"verbs": ["*"], "apiGroups": ["mintmark.dev"], "resources": ["*"]}
SECRETS = {"verbs": ["get", "create", "update", "delete"], "apiGroups": [""], "resources": ["secrets"]}
EVENTS = {"verbs": ["create"], "apiGroups": [""], "resources": ["events"]}


@asynccontextmanager
async def _authorizing(rules: list[dict[str, Any]], *allowed: Right) -> AsyncIterator[tuple[ApiServer, list[str]]]:
    """``allowed``: beside what the rules give. Returns what was asked one by one, too."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        spec = (await request.json())["spec"]
        if request.path.endswith("selfsubjectrulesreviews"):
            return web.json_response({"status": {"resourceRules": rules, "incomplete": True}})
        of = spec["resourceAttributes"]
        resource = "/".join(part for part in (of["resource"], of["subresource"]) if part)
        right = Right(of["verb"], of["group"], resource)
        asked.append(str(right))
        return web.json_response({"status": {"allowed": right in allowed}})

    application = web.Application()
    application.router.add_post("/{path:.*}", answer)
    async with TestServer(application) as server, aiohttp.ClientSession() as http:
        yield ApiServer(http, lambda: Access(str(server.make_url("")).rstrip("/"))), asked


async def test_a_list_that_says_all_is_one_request() -> None:
    async with _authorizing([GROUP, SECRETS, EVENTS]) as (api_server, asked):
        assert await missing_rights(api_server, "shop", RIGHTS) == ()
        assert asked == []


async def test_what_no_list_has_is_asked_alone() -> None:
    """Some authorizers list nothing; and all namespaces together have no list."""
    for namespace, rules in (("shop", [GROUP, EVENTS]), ("", [GROUP, SECRETS, EVENTS])):
        async with _authorizing(rules, *RIGHTS) as (api_server, asked):
            assert await missing_rights(api_server, namespace, RIGHTS) == ()
            assert "create secrets" in asked


async def test_a_right_to_one_secret_is_none_to_all() -> None:
    one = SECRETS | {"resourceNames": ["web-oauth"]}
    async with _authorizing([GROUP, one, EVENTS]) as (api_server, _):
        missing = await missing_rights(api_server, "shop", RIGHTS)
        assert {right.resource for right in missing} == {"secrets"}


async def test_no_answer_is_no_lack_of_rights() -> None:
    async with answering(500, '{"message": "etcd is away"}') as api_server:
        with pytest.raises(ApiServerError, match="etcd"):
            await missing_rights(api_server, "shop", RIGHTS)
