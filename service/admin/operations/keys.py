"""Operations on our keys, and on secrets that are sealed under the master key."""

from typing import Annotated

from pydantic import Field

from service.admin import keys as admin
from service.admin import sealed_secrets
from service.admin.operations.operation import Operation, OperationResult, Output, Seconds, list_of
from service.crypto import key_schedule
from service.crypto.key_schedule import KnownKey
from service.issuer import Issuer
from service.records.signing_key import SigningKey


class ShownKey(Output[KnownKey]):
    """A key without its private part."""

    kid: str
    use: Annotated[str, Field(description="sig: it signs; enc: clients encrypt for it.")]
    algorithm: str
    state: key_schedule.KeyState
    created_at: Seconds
    signs_from_at: Seconds
    signs_until_at: Seconds

    @classmethod
    def of(cls, result: KnownKey) -> OperationResult:
        """Return the key with its state and its times."""
        key = result.key
        times = {"signs_from_at": 0 if key.signs_from >= 2**62 else key.signs_from, "signs_until_at": key.signs_until}
        members = {"kid": key.kid, "use": key.public["use"], "algorithm": str(key.algorithm), "state": result.state}
        return OperationResult(members | times | {"created_at": key.created_at})


class RetiredKey(Output[SigningKey]):
    """A key that is no longer published."""

    kid: str
    algorithm: str


class Resealed(Output[dict[str, int]]):
    """The number of clients whose secrets were encrypted anew."""

    clients: int


async def _reseal(issuer: Issuer) -> dict[str, int]:
    return {"clients": await sealed_secrets.reseal_secrets(issuer)}


_KEYS = list_of(
    "keys",
    ShownKey,
    "Next ones are published and will sign, active ones sign, retired ones are still published. Of those that clients encrypt "
    "for (use enc) active ones are published, and retired ones still decrypt.",
)

LIST = Operation(
    "key.list",
    "List our keys.",
    admin.list_keys,
    _KEYS,
    columns=("kid", "use", "algorithm", "state", "created_at", "signs_from_at", "signs_until_at"),
)
ROTATE = Operation("key.rotate", "Make the next keys.", admin.rotate_keys, _KEYS)
RETIRE = Operation("key.retire", "Trust a key no more, now.", admin.retire_key, RetiredKey, is_destructive=True)
RESEAL = Operation(
    "key.reseal", "Encrypt client secrets anew under the first master key; scans all clients.", _reseal, Resealed
)
