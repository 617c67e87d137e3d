"""What every method of client authentication offers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from service.client_auth.evidence import ClientEvidence, EvidenceKind
from service.issuer import Issuer
from service.records.client import Client
from service.store.replay_checks import ReplayCheck


class Proof(msgspec.Struct, frozen=True):
    """The evidence holds, if what counts once only is used for the first time."""

    replay_checks: tuple[ReplayCheck, ...] = ()


HOLDS = Proof()
"""Nothing more is to be known."""


def _on(_: Issuer) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method that clients are registered for."""

    name: str
    accepts: frozenset[EvidenceKind]
    """The evidence that it verifies; with any other the client authenticates in another way than it is registered for."""
    verify: Callable[[Issuer, Client, ClientEvidence], Awaitable[Proof | None]]
    """The proof, None where the evidence does not hold. Raises InvalidClient where there is more to say than that."""
    has_secret: bool
    """Whether the client and we share a secret."""
    help: str = ""
    """What the client does, for who chooses a method."""
    registered_name: str = ""
    """In discovery and client registration (RFC 7591); "" if it is ``name``."""
    signing_algorithms: tuple[str, ...] = ()
    """What its assertions may be signed with."""
    is_on: Callable[[Issuer], bool] = _on
