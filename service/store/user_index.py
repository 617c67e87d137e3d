"""Indexes of users: grants and sessions by when they end, and the number of each kind that there may be at once."""

from enum import StrEnum
from typing import TypeVar

import msgspec

from service.redis.connection import KeyedCommand
from service.redis.script import Given, Joined, Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

_index = Script("index_grant", Answer, confirmed=True)
_unindex = Script("unindex_grant", Answer)
# Both take an index and two keys of kinds: the kind of the entry, and the other one, under which it may have counted before.
# They index sessions as well, which are of one kind.

_Answer = TypeVar("_Answer", bound=StrEnum)


class IndexedScript(Script[_Answer]):
    """An act that begins or changes a grant, which is put into its user's index at the same time."""

    def __init__(self, name: str, answers: type[_Answer], *, confirmed: bool = False) -> None:
        super().__init__(name, answers, confirmed=confirmed)
        self.with_index = Joined(self, _index)
        """Both in one call, for where a call may cross slots."""


_ANY_NUMBER = 0
"""The most, without a bound."""


class CountedAs(StrEnum):
    """The kinds of a user's grants for one client: many codes for one site must not end grants that last."""

    LASTING = "lasting"
    """Grants that can be refreshed."""
    PASSING = "passing"
    """Grants of the authorization endpoint that cannot be refreshed: codes, and those that end with their access token."""
    NOTHING = "nothing"
    """Grants that take a credential of the user or client each time, and end with their access token."""


_LASTING, _NOTHING = CountedAs.LASTING, CountedAs.NOTHING


class Known(StrEnum):
    """What is known of a grant's place before it is indexed, which may spare looking."""

    NOTHING = ""
    INDEXED = "indexed"
    """It was indexed before."""
    COUNTED = "counted"
    """It was indexed before, as of the same kind."""
    SENT_AGAIN = "sent_again"
    """The command may arrive again after the grant was extended, and must leave its place as it is then."""


class Place(msgspec.Struct, frozen=True):
    """The place of a grant in an index: its user, its kind, and until when (epoch seconds, 0 = never)."""

    grant_id: str
    subject: str
    client_id: str
    counted_as: CountedAs
    ends_at: int
    known: Known = Known.NOTHING


class Indexed(msgspec.Struct, frozen=True):
    """The outcome of indexing."""

    is_disabled: bool
    excess: list[str]  # ids of the entries that have to end, as there would be too many


INDEXED = b"indexed"
"""The answer to a step that indexes where that is all."""


class UserIndex(RecordStore):
    """The indexes of users in Redis."""

    def grant_step(self, place: Place, most: int) -> KeyedCommand:
        """Index a grant of a user, within the bound of its kind; never moves it to an earlier end."""
        return _index.step(self._connection, *self.of_grant(place, most))

    def of_grant(self, place: Place, most: int) -> Given:
        """Return what the script is called with for that, which may be joined to another one."""
        subject = place.subject
        lasting, passing = self._counts_of_grants(subject, place.client_id)
        counts = (lasting, passing) if place.counted_as is _LASTING else (passing, lasting)
        places = (self._keys.user_grants(subject), self._keys.user_disabled(subject), *counts)
        limit = _ANY_NUMBER if place.counted_as is _NOTHING else most
        counts_until = ""  # its end
        return places, (place.grant_id, place.ends_at, limit, counts_until, place.known)

    def session_step(self, sid: str, subject: str, ends_at: int, latest_end: int, most: int) -> KeyedCommand:
        """Index a session like a grant until ``latest_end``, though it lives until ``ends_at`` only unless it is used."""
        counts = self._counts_of_sessions(subject)
        places = (self._keys.user_sessions(subject), self._keys.user_disabled(subject), *counts)
        return _index.step(self._connection, places, (sid, latest_end, most, ends_at, ""))

    def unindex_step(self, grant_id: str, subject: str, client_id: str = "") -> KeyedCommand:
        """Remove an ended grant from its user's index, and from its kind where that is known."""
        counts = self._counts_of_grants(subject, client_id)
        return _unindex.step(self._connection, (self._keys.user_grants(subject), *counts), (grant_id,))

    def unindex_soon(self, grant_id: str, subject: str, client_id: str = "") -> None:
        """Remove it without waiting, together with the next command: reading the index removes it, too."""
        self._connection.execute_soon(*self.unindex_step(grant_id, subject, client_id), lingers=True)

    def unindex_session_soon(self, sid: str, subject: str) -> None:
        """Remove an ended session from its user's index, without waiting: an index entry alone means nothing."""
        places = (self._keys.user_sessions(subject), *self._counts_of_sessions(subject))
        self._connection.execute_soon(*_unindex.step(self._connection, places, (sid,)))

    def _counts_of_grants(self, subject: str, client_id: str) -> tuple[str, str]:
        """Return the keys of both kinds."""
        return self._keys.lasting_grants(subject, client_id), self._keys.passing_grants(subject, client_id)

    def _counts_of_sessions(self, subject: str) -> tuple[str, str]:
        """Return the key of sessions, and one in the same slot that is never written."""
        living = self._keys.living_sessions(subject)
        return living, f"{living}:none"


def read(reply: object) -> Indexed:
    """Return the outcome from the reply to a step that indexes."""
    answer, rest = _index.read(reply)
    return Indexed(answer is Answer.DISABLED, [member.decode() for member in rest])
