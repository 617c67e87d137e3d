"""Counters of the bytes that wait in Redis on behalf of unknown users. They end by themselves."""

from enum import StrEnum

from service.redis.script import Script
from service.store.record_store import RecordStore

NETWORK_MOST, BROWSER_MOST, EVERYBODY_MOST = 4 * 2**20, 2**18, 128 * 2**20
"""The most bytes in one window: of one network, of one browser or session, and in all."""


class AdmitAnswer(StrEnum):
    ADMITTED = "admitted"
    NETWORK = "network"
    BROWSER = "browser"
    EVERYBODY = "everybody"


_admit = Script("admit_waiting", AdmitAnswer)


class Waiting(RecordStore):
    """Counters in Redis."""

    async def admit(self, network: str, browser: str, size: int, seconds: int, *, what: str = "") -> AdmitAnswer:
        """Count ``size`` more bytes in this window of ``seconds``; the answer names the bound that they would exceed.

        One round trip.

        ``what`` waits: each kind has counters of its own, as its window has another length. A command that is sent again after
        a dropped connection counts twice: that errs on the safe side.
        """
        counters = (f"{what}network:{network}", f"{what}browser:{browser}", f"{what}everybody")
        names = tuple(map(self._keys.waiting, counters))
        most = (NETWORK_MOST, BROWSER_MOST, EVERYBODY_MOST)
        answer, _ = await _admit.run(self._connection, names, size, seconds, *most)
        return answer
