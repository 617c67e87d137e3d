"""The keys that Mintmark signs with: one record for all of them, so that they change together or not at all."""

from typing import Any

from service.protocol.names import SigningAlgorithm
from service.records.json import Record


class SigningKey(Record, frozen=True, omit_defaults=True, gc=False):
    """``public``: JWK; ``sealed``: the private part (PKCS #8), encrypted under the master key whose fingerprint is
    ``sealed_under``; the rest: when it was made and in which epoch seconds it signs, ``signs_until`` 0 = no end yet.
    """

    kid: str
    algorithm: SigningAlgorithm
    public: dict[str, Any]
    sealed: str
    sealed_under: str
    created_at: int
    signs_from: int
    signs_until: int = 0


class KeySet(Record, frozen=True, omit_defaults=True, gc=False):
    """All keys, in no order."""

    keys: tuple[SigningKey, ...] = ()
