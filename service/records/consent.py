"""What a person allowed a client, remembered so that they are not asked again."""

from collections.abc import Collection

import msgspec

from service.records.json import Record


class Consent(Record, frozen=True, omit_defaults=True, gc=False):
    """``scopes``: all that was ever allowed; ``by_resource``: what of it at which resource, "" = a token for no resource in
    particular; ``generation``: of the client then, so that one that was revoked or registered anew asks again; ``given_at``:
    epoch seconds.
    """

    scopes: tuple[str, ...]
    generation: int
    given_at: int
    by_resource: dict[str, tuple[str, ...]] = {}

    def covers(self, scopes: Collection[str], audience: Collection[str]) -> bool:
        """Whether all these scopes were allowed at each of these resources. What a release before wrote names no resource, and
        counts for none.
        """
        held = self._held()
        return all(set(scopes) <= set(held.get(resource, ())) and resource in held for resource in audience or ("",))

    def extended(self, scopes: Collection[str], audience: Collection[str]) -> "Consent":
        """With these scopes at these resources beside what was allowed before."""
        held = self._held()
        for resource in audience or ("",):
            held[resource] = tuple(dict.fromkeys((*held.get(resource, ()), *scopes)))
        merged: Consent = msgspec.structs.replace(
            self, scopes=tuple(dict.fromkeys((*self.scopes, *scopes))), by_resource=held
        )
        return merged

    def _held(self) -> dict[str, tuple[str, ...]]:
        return dict(self.by_resource) or ({"": self.scopes} if self.scopes else {})
