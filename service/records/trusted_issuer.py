"""Somebody whose word counts: an issuer of assertions that are exchanged for tokens (RFC 7523 section 2.1)."""

from typing import Any

from service.protocol.names import SigningAlgorithm
from service.records.json import Record


class TrustedIssuer(Record, frozen=True, omit_defaults=True, gc=False):
    """``issuer``: as its assertions say it in ``iss``; its keys are ``jwks`` or at ``jwks_uri``.

    Empty means no limit: ``algorithms`` that it signs with, ``subjects`` that it may vouch for, ``scopes`` that tokens may
    have, ``clients`` that may bring its assertions. ``audience``: what it may call us besides our own names; ``created_at``:
    epoch seconds.
    """

    issuer: str
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    algorithms: tuple[SigningAlgorithm, ...] = ()
    subjects: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    audience: str | None = None
    created_at: int = 0
