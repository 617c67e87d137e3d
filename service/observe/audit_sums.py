"""Acts that programs do thousands of times an hour, summed for the audit log: it has room for so many entries only."""

from collections import Counter

import msgspec

from service.records.audit_entry import AuditEntry, Result, Way

OWN_ENTRIES = 10
"""How many acts of one kind and actor in a minute are written down one by one."""
SECONDS = 60
"""Between two times that the sums are written."""
_MOST = 100
"""Targets that a sum names."""


class AuditSums:
    """Sums of this process. There are as many as actors × actions × outcomes: all three are known to the settings or to us."""

    def __init__(self) -> None:
        self._minute = 0
        self._own: Counter[tuple[str, Way, str]] = Counter()
        self._sums: dict[tuple[str, Way, str, Result], AuditEntry] = {}

    def is_written_at_once(self, entry: AuditEntry) -> bool:
        """Whether an act that begins is to be written down by itself; it is counted as one of this minute."""
        minute = entry.at // (SECONDS * 1000)
        if minute != self._minute:
            self._minute, self._own = minute, Counter()
        who = (entry.actor, entry.way, entry.action)
        self._own[who] += 1
        return self._own[who] <= OWN_ENTRIES

    def add(self, entry: AuditEntry) -> None:
        """Count an act that is over. The sum has the time of its first act, and an address where all came from there."""
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
        """What has been summed since it was taken last, to be written."""
        taken, self._sums = list(self._sums.values()), {}
        return taken
