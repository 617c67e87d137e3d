"""The keys that Mintmark signs with: one record for all of them, so that they change together or not at all."""

from typing import Any

from service.protocol.names import SigningAlgorithm
from service.records.json import Record


class SigningKey(Record, frozen=True, omit_defaults=True, gc=False):
    """A signing key and the times of its schedule in epoch seconds."""

    kid: str
    algorithm: SigningAlgorithm
    public: dict[str, Any]  # JWK
    sealed: str  # private part (PKCS #8), encrypted under a master key
    sealed_under: str  # fingerprint of that master key
    created_at: int
    signs_from: int
    signs_until: int = 0  # 0: no end yet


class KeySet(Record, frozen=True, omit_defaults=True, gc=False):
    """All keys, in no order."""

    keys: tuple[SigningKey, ...] = ()
