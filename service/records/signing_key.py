"""Our own keys: one record for all that sign, and one for all that others encrypt for, so that they change together."""

from typing import Annotated, Any

from msgspec import Meta

from service.records.json import Record


class SigningKey(Record, frozen=True, omit_defaults=True, gc=False):
    """A key and the times of its schedule in epoch seconds.

    A key that others encrypt for signs nothing: it is published from ``signs_from`` until ``signs_until``, and decrypts longer.
    """

    kid: str
    algorithm: Annotated[str, Meta(examples=["ES256"])]
    """A SigningAlgorithm; a KeyManagement in the record of those that others encrypt for."""
    public: dict[str, Any]  # JWK
    sealed: str  # private part (PKCS #8), encrypted under a master key
    sealed_under: str  # fingerprint of that master key
    created_at: int
    signs_from: int
    signs_until: int = 0  # 0: no end yet


class KeySet(Record, frozen=True, omit_defaults=True, gc=False):
    """All keys of one use, in no order."""

    keys: tuple[SigningKey, ...] = ()
