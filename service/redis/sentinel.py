"""The primary behind Sentinels, which are asked again whenever its link is made again."""

import asyncio
from dataclasses import replace

from service.redis.connection import Connection
from service.redis.errors import LinkLostError, ReplyError
from service.redis.handshake import connect
from service.settings.redis_url import ServerAddress


class Sentinel(Connection):
    """A connection to the current primary."""

    async def _locate(self) -> ServerAddress:
        """Return the primary that the first reachable Sentinel names. Raises LinkLostError."""
        reasons: list[Exception] = []
        for sentinel in self.address.servers:
            try:
                link = await connect(replace(self.address, database=0), sentinel, self.address.sentinel_login)
                try:
                    found = await link.send(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.address.service])
                finally:
                    link.close()
            except (LinkLostError, ReplyError) as error:
                reasons.append(error)
                continue
            if found:
                return ServerAddress(found[0].decode(), int(found[1]))
            reasons.append(LinkLostError(f"{sentinel}: does not know the service {self.address.service!r}"))
        raise LinkLostError(f"no Sentinel names a primary ({'; '.join(map(str, reasons))})") from reasons[0]

    async def check_primary(self, listening_to: ServerAddress) -> None:
        """Check that we use the primary that the Sentinels name. Raises LinkLostError where they name another one.

        A primary that was cut off from them accepts our commands until they reach it again, some ten seconds: a code could
        be redeemed there and at its successor. Sentinels that do not answer are ignored.
        """
        try:
            async with asyncio.timeout(self.address.connect_timeout):
                named = await self._locate()
        except (LinkLostError, TimeoutError):
            return
        if named != listening_to:
            raise LinkLostError(f"{listening_to} is no longer the primary: the Sentinels name {named}")

    def doubt_primary(self) -> None:
        """Ask the Sentinels again before the next command, as an unused link may hang without being noticed."""
        self._node.close("whether it is still the primary is in doubt")
