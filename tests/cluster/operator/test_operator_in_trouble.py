"""What the operator needs goes and comes back: it says so once, is not ready meanwhile, and goes on without a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.api_server import api_server
from tests.cluster.operator.watched import Watched, define
from tests.redis_shapes import Shape


async def test_rights_that_are_withdrawn_are_named_and_waited_for(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("before")
        await watched.until(lambda: watched.is_ready("before"), "it is ready")
        assert await watched.is_operator_ready()
        (bound,) = watched.cluster.get("rolebinding", "--namespace", watched.namespace)
        watched.kubectl("delete", "rolebinding", bound["metadata"]["name"])

        async def says_what_is_missing() -> bool:
            text = await watched.ready_text()
            return "patch oauth2clients/status" in text and "create secrets" in text

        await watched.until(says_what_is_missing, "it is not ready, and says which rights it lacks")
        watched.declare("meanwhile")
        await asyncio.sleep(8)  # some looks
        assert len(watched.events("namespace_forbidden")) == 1
        assert await watched.metric("mintmark_operator_namespaces", state="watched") == 0

        watched.cluster.apply(_without_server_fields(bound))
        await watched.until(lambda: watched.is_ready("meanwhile"), "what was declared meanwhile is made")
        await watched.until(watched.is_operator_ready, "it is ready again")
        assert len(watched.events("namespace_allowed")) == 1


async def test_one_right_alone_stops_only_what_needs_it(watched: Watched) -> None:
    (role,) = watched.cluster.get("role", "--namespace", watched.namespace)
    others = [rule for rule in role["rules"] if rule["resources"] != ["secrets"]]
    watched.cluster.apply(_without_server_fields(role) | {"rules": others})
    async with watched.operating():
        watched.declare("api", "OAuth2Resource", resource="https://api.example.com", scopes=["read"])
        watched.declare("web")
        await watched.until(
            lambda: watched.ready("api", "oauth2resource").get("status") == "True", "it needs no Secret"
        )
        await watched.until(lambda: watched.ready("web").get("reason") == "Unavailable", "this one does")
        assert "get secrets, create secrets" in await watched.ready_text()
        watched.cluster.apply(_without_server_fields(role))
        await watched.until(lambda: watched.is_ready("web"), "it is made")
        await watched.until(watched.is_operator_ready, "nothing is missing")


async def test_it_is_not_ready_while_the_service_or_the_cluster_is_away(watched: Watched) -> None:
    async with _between(watched) as proxy, watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        await watched.until(watched.is_operator_ready, "so is the operator")
        assert await watched.metric("mintmark_operator_objects", kind="OAuth2Client", reason="Declared") == 1
        assert await watched.metric("mintmark_operator_reconciliations_total", kind="OAuth2Client", outcome="put_right")
        assert await watched.metric("mintmark_operator_not_ready_seconds", kind="OAuth2Client") == 0

        await watched.server.stop()

        async def lacks(what: str) -> bool:
            return (await watched.ready_text()).startswith(f"{what} unavailable")

        await watched.until(lambda: lacks("service"), "it cannot do anything")
        assert await watched.metric("mintmark_operator_dependency_available", dependency="service") == 0
        await watched.until(lambda: watched.ready("web").get("reason") == "Unavailable", "the object says so")
        assert await watched.metric("mintmark_operator_not_ready_seconds", kind="OAuth2Client") > 0
        await watched.server.start()
        await watched.until(watched.is_operator_ready, "it goes on")
        await watched.until(lambda: watched.is_ready("web"), "so does the object")

        proxy.cut()
        await watched.until(lambda: lacks("api_server"), "it sees nothing")
        await asyncio.sleep(5)
        await proxy.mend()
        watched.declare("late")
        await watched.until(lambda: watched.is_ready("late"), "it sees what came meanwhile")
        await watched.until(watched.is_operator_ready, "it is ready again")
        for event in ("service_unavailable", "service_available", "api_server_available"):
            assert watched.events(event), event
        assert not watched.events("background_task_failed")
        assert "will retry" not in (watched.folder / "operator.log").read_text(), "kopf repeats itself"


async def test_definitions_may_come_after_it(tmp_path: Path, redis: Shape) -> None:
    with api_server(tmp_path) as cluster:
        watched = Watched(cluster, cluster.namespace("shop"), tmp_path, redis)
        async with watched.server, watched.operating():

            async def says_so() -> bool:
                return "the cluster does not know OAuth2Client" in await watched.ready_text()

            await watched.until(says_so, "it waits, and names what is missing")
            define(cluster)
            watched.declare("web")
            await watched.until(lambda: watched.is_ready("web"), "it is ready")
            await watched.until(watched.is_operator_ready, "so is the operator")


class _Proxy:
    """Passes bytes on to the API server until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        self._server.close()
        for one in self._writers:
            one.close()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, back}
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def _between(watched: Watched) -> AsyncIterator[_Proxy]:
    """A proxy by which alone the operator reaches the API server."""
    url = urlsplit(watched.cluster.url)
    proxy = _Proxy(str(url.hostname), int(url.port or 443))
    await proxy.mend()
    text = watched.rights.read_text()
    watched.rights.write_text(text.replace(watched.cluster.url, f"https://127.0.0.1:{proxy.port}"))
    try:
        yield proxy
    finally:
        proxy.cut()


def _without_server_fields(found: dict[str, object]) -> dict[str, object]:
    """An object as it was applied."""
    metadata = json.loads(json.dumps(found["metadata"]))
    return found | {"metadata": {name: metadata[name] for name in ("name", "namespace", "labels") if name in metadata}}
