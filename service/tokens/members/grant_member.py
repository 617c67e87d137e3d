"""The interface of every further member of a grant."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.issuer import Issuer
from service.records.client import Client


class DescribedFact(NamedTuple):
    """A value that the user reads: its label, "" where the page has to derive one from its path."""

    path: tuple[str, ...]
    label: str
    value: str | bool


class Described(NamedTuple):
    """One thing that the user has to allow."""

    title: str
    facts: tuple[DescribedFact, ...] = ()
    """Facts that the title does not mention."""


def _nothing(_: Issuer) -> Mapping[str, object]:
    return {}


def _no_words(_: Issuer, __: Any) -> list[str]:  # noqa: ANN401 (JSON)
    return []


def _all_of_it(value: Any, _: Collection[str]) -> Any:  # noqa: ANN401 (JSON)
    return value


async def _allowed(_: Issuer, __: Client, ___: str, ____: Any) -> None:  # noqa: ANN401 (JSON)
    return None


def _whole(_: Client, value: Any) -> Any:  # noqa: ANN401 (JSON)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMember:
    """What a client may ask for in addition to scope and resources: a JSON value, kept and put into tokens as it is."""

    name: str
    """The name of the parameter, and of the member of token responses, JWTs and introspection."""
    grant: Callable[[Issuer, Client, str], Any]
    """Returns what can be granted of a first request, by ourselves: unknown callers may ask. Raises ProtocolError."""
    narrow: Callable[[Issuer, Any, str], Any]
    """Returns what a later request asks for of what was granted, None where nothing was. Raises ProtocolError."""
    describe: Callable[[Issuer, Client, str, Any], Awaitable[list[Described]]]
    """Returns what this user has to allow. Raises ProtocolError where the user may not."""
    judge: Callable[[Issuer, Client, str, Any], Awaitable[None]] = _allowed
    """Lets hooks allow it for this subject, "" = not known yet. Raises ProtocolError."""
    summarize: Callable[[Issuer, Any], list[str]] = _no_words
    """Returns a summary for later, a line each; calls no hooks."""
    concerning: Callable[[Any, Collection[str]], Any] = _all_of_it
    """Returns the part of it that concerns these resource servers; empty for nothing."""
    open_to: Callable[[Client, Any], Any] = _whole
    """Returns the part of it that the client, as it is now, may ask for; empty for nothing."""
    metadata: Callable[[Issuer], Mapping[str, object]] = _nothing
    """Members of discovery."""
