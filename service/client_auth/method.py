"""The interface of every method of client authentication."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from service.client_auth.evidence import ClientEvidence, EvidenceKind
from service.issuer import Issuer
from service.records.client import Client
from service.store.replay_checks import ReplayCheck


class Proof(msgspec.Struct, frozen=True):
    """The evidence is valid, provided that the replay checks pass."""

    replay_checks: tuple[ReplayCheck, ...] = ()


HOLDS = Proof()
"""The evidence is valid, and there is nothing else to check."""


def _on(_: Issuer) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method that clients are registered for."""

    name: str
    accepts: frozenset[EvidenceKind]
    """The kinds of evidence that it verifies; with any other the client does not use its registered method."""
    verify: Callable[[Issuer, Client, ClientEvidence], Awaitable[Proof | None]]
    """Returns the proof, None where the evidence is not valid. Raises InvalidClient where there is more to say than that."""
    has_secret: bool
    """Whether the client and we share a secret."""
    help: str = ""
    """One line on what the client does, shown where a method is chosen."""
    registered_name: str = ""
    """Its name in discovery and client registration (RFC 7591); "" if it is ``name``."""
    signing_algorithms: tuple[str, ...] = ()
    """The algorithms for its assertions."""
    is_on: Callable[[Issuer], bool] = _on
