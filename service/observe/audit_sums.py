"""Sums for the audit log of acts that programs do thousands of times an hour, as the log is bounded."""

from collections import Counter

import msgspec

from service.records.audit_entry import AuditEntry, Result, Way

OWN_ENTRIES = 10
"""The number of acts of one kind and actor in a minute that get an entry each."""
SECONDS = 60
"""Seconds between two writes of the sums."""
_MOST = 100
"""The most targets that a sum names."""


class AuditSums:
    """The sums of this process, one for each actor, action and outcome; the settings or the code bound the number of each."""

    def __init__(self) -> None:
        self._minute = 0
        self._own: Counter[tuple[str, Way, str]] = Counter()
        self._sums: dict[tuple[str, Way, str, Result], AuditEntry] = {}

    def is_written_at_once(self, entry: AuditEntry) -> bool:
        """Count an act that begins, and return whether it gets an entry of its own."""
        minute = entry.at // (SECONDS * 1000)
        if minute != self._minute:
            self._minute, self._own = minute, Counter()
        who = (entry.actor, entry.way, entry.action)
        self._own[who] += 1
        return self._own[who] <= OWN_ENTRIES

    def add(self, entry: AuditEntry) -> None:
        """Add a finished act. The sum has the time of its first act, and the address if it is the same for all."""
        key = (entry.actor, entry.way, entry.action, entry.result)
        held = self._sums.get(key)
        if held is None:
            self._sums[key] = entry
            return
        self._sums[key] = msgspec.structs.replace(
            held,
            count=held.count + entry.count,
            targets=tuple(dict.fromkeys((*held.targets, *entry.targets)))[:_MOST],
            address=held.address if held.address == entry.address else "",
        )

    def take(self) -> list[AuditEntry]:
        """Return the sums since the last call, to be written."""
        taken, self._sums = list(self._sums.values()), {}
        return taken
