"""What the operator makes of odd answers of the API server, and of certificates and readings that are renewed or fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.admin.operations import AnyOperation, Do, clients
from service.cli import operator, remote
from service.cli.exits import ServiceUnusableError
from service.cli.variables import CA_VARIABLE
from service.declared import KINDS
from service.operator.api_server import ApiServer, ApiServerError, ConflictError
from service.operator.health import UnavailableError
from service.operator.metrics import RequestOutcome
from service.operator.record_digests import RecordDigests
from tests.free_ports import free_ports

SECRET = {"metadata": {"name": "web-oauth"}}


class Access:
    def __init__(self, server: str) -> None:
        self.server = server

    def as_http_headers(self) -> dict[str, str]:
        return {}

    def as_ssl_context(self) -> bool:
        return False


@asynccontextmanager
async def answering(status: int, text: str) -> AsyncIterator[ApiServer]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server, aiohttp.ClientSession() as http:
        yield ApiServer(http, lambda: Access(str(server.make_url("")).rstrip("/")))


async def test_a_proxy_in_between_may_say_anything() -> None:
    for status in (502, 200):
        async with answering(status, "<html>bad gateway") as api_server:
            with pytest.raises(ApiServerError, match=str(status)):
                await api_server.secret("shop", "web-oauth")


async def test_what_is_gone_is_neither_made_nor_replaced() -> None:
    async with answering(404, "{}") as api_server:
        assert await api_server.secret("shop", "web-oauth") is None
        assert not await api_server.declares("oauth2clients", "shop", "web", "uid")
        with pytest.raises(ApiServerError, match="shop is not there"):
            await api_server.create_secret("shop", SECRET)
        with pytest.raises(ConflictError):
            await api_server.replace_secret("shop", SECRET)


async def test_an_object_is_there_until_it_is_to_go() -> None:
    for metadata, is_there in (
        ('{"uid": "uid"}', True),
        ('{"uid": "of another"}', False),
        ('{"uid": "uid", "deletionTimestamp": "2026-11-29T00:00:00Z"}', False),
    ):
        async with answering(200, f'{{"metadata": {metadata}}}') as api_server:
            assert await api_server.declares("oauth2clients", "shop", "web", "uid") is is_there


async def test_why_it_cannot_be_reached_is_said_in_words() -> None:
    (port,) = free_ports(1)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(ApiServerError, match="the API server cannot be reached: connection refused"):
            await ApiServer(http, lambda: Access(f"http://127.0.0.1:{port}")).knows_kinds()


async def test_a_renewed_authority_counts_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here it is what its file holds; the service has been given the next one."""
    authority = tmp_path / "ca.crt"
    authority.write_text("first")
    monkeypatch.setenv(CA_VARIABLE, str(authority))
    of_service, closed, answers = "first", [], list[RequestOutcome]()

    @asynccontextmanager
    async def connected(_to: remote.RunningService) -> AsyncIterator[Do]:
        known = authority.read_text()

        async def there(_operation: AnyOperation, _given: Mapping[str, Any]) -> dict[str, Any]:
            if known != of_service:
                raise ServiceUnusableError("CERTIFICATE_VERIFY_FAILED")
            return {}

        yield there
        closed.append(known)

    monkeypatch.setattr(remote, "target", lambda: remote.RunningService("https://a", "t", None))
    monkeypatch.setattr(remote, "connected", connected)
    monkeypatch.setattr(operator, "_REQUEST_ENDED_AFTER", 0)
    async with AsyncExitStack() as stack:
        do = operator._Service(stack, answers.append).do
        await do(clients.LIST, {})
        of_service = "second"
        with pytest.raises(UnavailableError):
            await do(clients.LIST, {})
        authority.write_text("second")
        await do(clients.LIST, {})
        for _ in range(5):
            await asyncio.sleep(0)
        assert closed == ["first"]
        assert answers == [RequestOutcome.OK, RequestOutcome.FAILED, RequestOutcome.OK]


async def test_a_reading_that_fails_is_not_repeated_by_each_who_waits() -> None:
    asked = 0

    async def do(_operation: AnyOperation, _given: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if asked == 1:
            raise ConnectionError("no answer in time")
        return {"clients": [], "cursor": ""}

    records = RecordDigests(do, lambda: 0.0, 30)
    looks = [records.digest_of(KINDS["OAuth2Client"], "web") for _ in range(20)]
    assert {type(one) for one in await asyncio.gather(*looks, return_exceptions=True)} == {ConnectionError}
    assert asked == 1
    assert await records.digest_of(KINDS["OAuth2Client"], "web") == ""
