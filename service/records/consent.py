"""What a user allowed a client, remembered so that the user is not asked again."""

from collections.abc import Collection

import msgspec

from service.records.json import Record


class Consent(Record, frozen=True, omit_defaults=True, gc=False):
    """A user's consent for one client."""

    scopes: tuple[str, ...]  # all that was ever allowed
    generation: int  # of the client then: one that was revoked or registered anew asks again
    given_at: int  # epoch seconds
    by_resource: dict[str, tuple[str, ...]] = {}
    """Scopes by resource; "" stands for a token without a resource."""

    def covers(self, scopes: Collection[str], audience: Collection[str]) -> bool:
        """Whether all these scopes were allowed at each of these resources.

        A consent of an older release names no resource, and counts for none.
        """
        held = self._held()
        return all(set(scopes) <= set(held.get(resource, ())) and resource in held for resource in audience or ("",))

    def extended(self, scopes: Collection[str], audience: Collection[str]) -> "Consent":
        """Return the consent with these scopes at these resources added."""
        held = self._held()
        for resource in audience or ("",):
            held[resource] = tuple(dict.fromkeys((*held.get(resource, ()), *scopes)))
        merged: Consent = msgspec.structs.replace(
            self, scopes=tuple(dict.fromkeys((*self.scopes, *scopes))), by_resource=held
        )
        return merged

    def _held(self) -> dict[str, tuple[str, ...]]:
        return dict(self.by_resource) or ({"": self.scopes} if self.scopes else {})
