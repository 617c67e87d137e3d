"""The primary behind Sentinels, which are asked again whenever its link is made again."""

import asyncio
from dataclasses import replace

from service.redis.address import Address
from service.redis.connection import Connection
from service.redis.errors import LinkLostError, reading
from service.redis.handshake import connect
from service.settings.redis_url import ServerAddress

_FOR_OTHERS = 0.25
"""Seconds that the other Sentinels have to answer once one has."""


class Sentinel(Connection):
    """A connection to the current primary."""

    async def _locate(self) -> ServerAddress:
        """Return the primary that most Sentinels name. Raises LinkLostError.

        All are asked at once, as one that is silent would use up the time, and one that is cut off together with a former
        primary goes on naming that. Where there is no majority soon, those that have answered decide.
        """
        tls = self.address.tls() if self.address.tls else None
        address = replace(self.address, database=0, tls=(lambda: tls) if tls else None)
        answers = [asyncio.ensure_future(_ask(address, sentinel)) for sentinel in self.address.servers]
        waiting, named = set(answers), list[ServerAddress]()
        try:
            while waiting:
                patience = _FOR_OTHERS if named else None
                done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                named = [one.result() for one in answers if one.done() and one.exception() is None]
                primary = max(named, key=named.count, default=None)
                if primary is not None and (not (done and waiting) or named.count(primary) > len(answers) // 2):
                    return primary
        finally:
            for one in waiting:
                one.cancel()
        reasons = [one.exception() for one in answers]
        raise LinkLostError(f"no Sentinel names a primary ({'; '.join(map(str, reasons))})") from reasons[0]

    async def check_primary(self, listening_to: ServerAddress) -> None:
        """Check that we use the primary that the Sentinels name. Raises LinkLostError where they name another one.

        A primary that was cut off from them accepts our commands until they reach it again, some ten seconds: a code could
        be redeemed there and at its successor. Sentinels that do not answer are ignored.
        """
        try:
            named = await self._locate()
        except LinkLostError:
            return
        links = [one._node.link for one in (self, self.confirming) if one is not None]
        for used in (listening_to, *(link.endpoint for link in links if link is not None)):
            if used != named:
                raise LinkLostError(f"{used} is no longer the primary: the Sentinels name {named}")

    def doubt_primary(self) -> None:
        """Ask the Sentinels again before the next command, as an unused link may hang without being noticed."""
        self._node.close("whether it is still the primary is in doubt")
        if self.confirming is not None:
            self.confirming.doubt_primary()


async def _ask(address: Address, sentinel: ServerAddress) -> ServerAddress:
    """Return the primary that a Sentinel names. Raises LinkLostError or ReplyError."""
    try:
        async with asyncio.timeout(address.connect_timeout):
            link = await connect(address, sentinel, address.sentinel_login)
            try:
                found = await link.send(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service])
            finally:
                link.close()
    except TimeoutError as error:
        raise LinkLostError(f"{sentinel}: no answer within the connect timeout") from error
    if not found:
        raise LinkLostError(f"{sentinel}: does not know the service {address.service!r}")
    with reading(f"{sentinel}: SENTINEL GET-MASTER-ADDR-BY-NAME"):
        return ServerAddress(found[0].decode(), int(found[1]))
