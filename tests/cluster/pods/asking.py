"""Clients that never stop asking through the Service: what is answered, and what is lost."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth

from tests.cluster.api_server import wait_until
from tests.cluster.installing import Release

CLIENTS = 4
HANGS = 30.0
"""Seconds after which a request counts as lost."""


class Asking:
    """``answered``: requests by what they were; ``lost``: those that were not answered by 200, each with what came of it."""

    def __init__(self, url: str, authorization: str) -> None:
        self.answered: Counter[str] = Counter()
        self.lost: list[str] = []
        self._url, self._authorization = url, authorization
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Until the block ends."""
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                # Half of them keep their connections, half open a new one for each request.
                group.create_task(self._life_of_tokens(keep=number % 2 == 0))
            try:
                yield
            finally:
                self._ended.set()

    async def _life_of_tokens(self, *, keep: bool) -> None:
        headers = {"Authorization": self._authorization} | ({} if keep else {"Connection": "close"})
        async with ClientSession(headers=headers, timeout=ClientTimeout(HANGS)) as session:
            while not self._ended.is_set():
                got = await self._ask(session, "token", grant_type="client_credentials")
                token = str(got.get("access_token"))
                if (await self._ask(session, "introspect", token=token)).get("active") is not True:
                    self.lost.append("a token that was just issued is not active")
                await self._ask(session, "revoke", token=token)
                await asyncio.sleep(0.02)

    async def _ask(self, session: ClientSession, what: str, **form: str) -> dict[str, object]:
        try:
            async with session.post(f"{self._url}/{what}", data=form) as response:
                body = await response.read()
        except (ClientError, OSError, TimeoutError) as error:
            self.lost.append(f"{what}: {error!r}")
            return {}
        if response.status != 200:
            self.lost.append(f"{what}: {response.status} {body[:200]!r}")
            return {}
        self.answered[what] += 1
        found: dict[str, object] = json.loads(body or b"{}")
        return found


def registered(release: Release, name: str) -> str:
    """The ``Authorization`` of a client that asks for tokens and looks at them, registered as NOTES.txt says."""
    made = in_a_pod(release, "client", "create", name, "--grant-type", "client_credentials", "--introspect", "--json")
    return encode_basic_auth(name, json.loads(made)["client_secret"])


def in_a_pod(release: Release, *command: str) -> str:
    """What a command of mintmark prints in a pod of the server."""
    pod = release.pods("server")[0]["metadata"]["name"]
    return release.cluster.kubectl("--namespace", release.namespace, "exec", pod, "--", "mintmark", *command)


def url_of(release: Release, service: str = "tokens-mintmark") -> str:
    """Where pods are asked: the address of the Service, in the node's network."""
    return f"http://{release.the('service', service)['spec']['clusterIP']}"


def until_ready(release: Release, count: int, component: str = "server") -> None:
    """Wait until so many pods are ready, and no more are there."""

    def are_ready() -> bool:
        pods = release.pods(component)
        return len(pods) == count and all(is_ready(one) for one in pods)

    wait_until(are_ready, f"{count} pods {component} are ready", release.cluster.folder, 300)


def is_ready(pod: dict[str, object]) -> bool:
    """Whether a pod gets requests."""
    status = pod["status"]
    assert isinstance(status, dict)
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
