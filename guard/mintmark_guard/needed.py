"""What a request needs beside a good token: scopes, and how and how lately its user signed in (RFC 9470)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from mintmark_guard.verdict import Refused, Token


@dataclass(frozen=True, slots=True)
class Needed:
    """All of this. Made by ``Needed.of``; ``|`` joins what several places want."""

    scopes: frozenset[str] = frozenset()
    acr_values: tuple[tuple[str, ...], ...] = ()
    """Of each the token must have one: a place that wants something adds its own."""
    max_age: int | None = None
    """Seconds since the user signed in; None: any."""

    @classmethod
    def of(cls, scopes: Collection[str] = (), acr_values: Collection[str] = (), max_age: int | None = None) -> Self:
        """Make one; a text is read as words with blanks between, never as its letters."""
        classes = _words(acr_values)
        return cls(frozenset(_words(scopes)), (classes,) if classes else (), max_age)

    def __or__(self, other: "Needed") -> "Needed":
        """Return both together: the younger age counts."""
        ages = [age for age in (self.max_age, other.max_age) if age is not None]
        classes = tuple(dict.fromkeys(self.acr_values + other.acr_values))
        return Needed(self.scopes | other.scopes, classes, min(ages, default=None))

    def check(self, token: Token, now: float) -> None:
        """Check a token that is good. Raises Refused with what the client has to ask for; ``now`` is in epoch seconds."""
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
    """Make what a decorator wants: each text may hold several scopes, with blanks between."""
    return Needed.of([word for scope in scopes for word in scope.split()], acr_values, max_age)


def as_needed(wanted: "Needed | Collection[str]") -> Needed:
    """Return what is wanted, where mere scopes may be written."""
    return wanted if isinstance(wanted, Needed) else Needed.of(wanted)


def _words(words: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.split() if isinstance(words, str) else words))
