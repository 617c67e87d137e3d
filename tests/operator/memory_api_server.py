"""What the operator asks of an API server, in memory: one creation or replacement of several is first, the others conflict.

The real API server is in ``tests/cluster``; here many races run in a second.
"""

import asyncio
import itertools
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from service.operator.api_server import ApiServer, ConflictError, KubeObject


class MemoryApiServer(ApiServer):
    """Secrets by namespace and name."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], KubeObject] = {}
        self._versions = itertools.count(1)
        self.going: set[str] = set()
        """Objects that are about to go, or gone: their uids."""

    async def declares(self, plural: str, namespace: str, name: str, uid: str) -> bool:  # noqa: ARG002 (of the real one)
        await asyncio.sleep(0)
        return uid not in self.going

    async def secret(self, namespace: str, name: str) -> KubeObject | None:
        await asyncio.sleep(0)
        return deepcopy(self.secrets.get((namespace, name)))

    async def create_secret(self, namespace: str, secret: KubeObject) -> KubeObject:
        await asyncio.sleep(0)
        place = namespace, secret["metadata"]["name"]
        if place in self.secrets:
            raise ConflictError("there is one")
        return self._keep(place, secret, f"uid-{next(self._versions)}")

    async def replace_secret(self, namespace: str, secret: KubeObject) -> KubeObject:
        await asyncio.sleep(0)
        place = namespace, secret["metadata"]["name"]
        found = self.secrets.get(place)
        if found is None or found["metadata"]["resourceVersion"] != secret["metadata"]["resourceVersion"]:
            raise ConflictError("it is another by now")
        return self._keep(place, secret, found["metadata"]["uid"])

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        await asyncio.sleep(0)
        if self.secrets.get((namespace, name), {}).get("metadata", {}).get("uid") == uid:
            del self.secrets[namespace, name]

    async def write_status(self, plural: str, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _keep(self, place: tuple[str, str], secret: KubeObject, uid: str) -> KubeObject:
        kept = deepcopy(secret)
        kept["metadata"] |= {"uid": uid, "resourceVersion": str(next(self._versions))}
        self.secrets[place] = kept
        return deepcopy(kept)
