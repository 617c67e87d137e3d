"""How much waits in Redis on behalf of users who are not known yet: counters of bytes that end by themselves."""

from enum import StrEnum

from service.redis.script import Script
from service.store.record_store import RecordStore

NETWORK_MOST, BROWSER_MOST, EVERYBODY_MOST = 4 * 2**20, 2**18, 128 * 2**20
"""Bytes in one window: of one network, of one browser or session, and in all."""


class AdmitAnswer(StrEnum):
    ADMITTED = "admitted"
    NETWORK = "network"
    BROWSER = "browser"
    EVERYBODY = "everybody"


_admit = Script("admit_waiting", AdmitAnswer)


class Waiting(RecordStore):
    """Counters in Redis."""

    async def admit(self, network: str, browser: str, size: int, seconds: int, *, what: str = "") -> AdmitAnswer:
        """Whether ``size`` more bytes may wait in this window of ``seconds``, or else whose share is used up. One round trip.

        ``what`` waits: each kind has counters of its own, for its windows are others.

        A count that was sent again after a dropped connection counts twice: that errs on the safe side.
        """
        counters = (f"{what}network:{network}", f"{what}browser:{browser}", f"{what}everybody")
        names = tuple(map(self._keys.waiting, counters))
        most = (NETWORK_MOST, BROWSER_MOST, EVERYBODY_MOST)
        answer, _ = await _admit.run(self._connection, names, size, seconds, *most)
        return answer
