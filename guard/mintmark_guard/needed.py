"""The requirements of a request beyond a valid token: scopes, and how and when its user signed in (RFC 9470)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from mintmark_guard.verdict import Refused, Token


@dataclass(frozen=True, slots=True)
class Needed:
    """Requirements, all of which must be met. Make them by ``Needed.of``, and join them with ``|``."""

    scopes: frozenset[str] = frozenset()
    acr_values: tuple[tuple[str, ...], ...] = ()
    """The token's acr must be in each of these tuples: joined requirements have one each."""
    max_age: int | None = None
    """The most seconds since the user signed in; None: any number."""

    @classmethod
    def of(cls, scopes: Collection[str] = (), acr_values: Collection[str] = (), max_age: int | None = None) -> Self:
        """Return requirements; a text is read as words with blanks between, not as a collection of letters."""
        classes = _words(acr_values)
        return cls(frozenset(_words(scopes)), (classes,) if classes else (), max_age)

    def __or__(self, other: "Needed") -> "Needed":
        """Return both together, with the shorter ``max_age``."""
        ages = [age for age in (self.max_age, other.max_age) if age is not None]
        classes = tuple(dict.fromkeys(self.acr_values + other.acr_values))
        return Needed(self.scopes | other.scopes, classes, min(ages, default=None))

    def check(self, token: Token, now: float) -> None:
        """Check a valid token; ``now`` is in epoch seconds. Raises Refused with what the client has to request."""
        if missing := self.scopes - token.scopes:
            raise Refused(403, "insufficient_scope", f"The scope {' '.join(sorted(missing))} is needed.")
        unmet = next((classes for classes in self.acr_values if token.acr not in classes), ())
        is_old = self.max_age is not None and not (token.auth_time and now - token.auth_time <= self.max_age)
        if not unmet and not is_old:
            return
        requirements = {"acr_values": " ".join(unmet)} if unmet else {}
        if self.max_age is not None:
            requirements["max_age"] = str(self.max_age)
        text = "A different authentication level is needed." if unmet else "More recent authentication is needed."
        raise Refused(401, "insufficient_user_authentication", text, requirements)


NOTHING = Needed()


def of_words(scopes: Collection[str], acr_values: Collection[str], max_age: int | None) -> Needed:
    """Return the requirements of a decorator, where each text may hold several scopes with blanks between."""
    return Needed.of([word for scope in scopes for word in scope.split()], acr_values, max_age)


def as_needed(wanted: "Needed | Collection[str]") -> Needed:
    """Return requirements for an argument that may be scopes only."""
    return wanted if isinstance(wanted, Needed) else Needed.of(wanted)


def _words(words: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.split() if isinstance(words, str) else words))
