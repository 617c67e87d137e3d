"""Signing keys, and what is sealed under the master key."""

from typing import Annotated

from pydantic import Field

from service.admin import keys as admin
from service.admin import sealed_secrets
from service.admin.input import Input
from service.admin.operations.operation import Name, NoInput, Operation, OperationResult, Output, Seconds
from service.crypto import key_schedule
from service.issuer import Issuer
from service.protocol.names import SigningAlgorithm


class Rotation(Input):
    """Which keys are to be made."""

    algorithm: Annotated[SigningAlgorithm | None, Field(description="Only this one.")] = None
    at_once: Annotated[bool, Field(description="Sign with the new keys within seconds, for emergencies.")] = False


class NamedKey(Input):
    """A key by its kid."""

    kid: Annotated[Name, Field(description="As `mintmark key list` names it.")]


class ShownKey(Output):
    """A signing key, but nothing of its private part."""

    kid: str
    algorithm: SigningAlgorithm
    state: key_schedule.State
    created_at: Seconds
    signs_from_at: Seconds
    signs_until_at: Seconds


class KeyList(Output):
    """Next ones are published and will sign, active ones sign, retired ones are still published."""

    keys: tuple[ShownKey, ...]


class RetiredKey(Output):
    """A key that is no longer published."""

    kid: str
    algorithm: SigningAlgorithm


class Resealed(Output):
    """How many clients' secrets were encrypted anew."""

    clients: int


async def _list(issuer: Issuer, _: NoInput) -> OperationResult:
    return OperationResult({"keys": [admin.describe(key, state) for key, state in admin.list_keys(issuer)]})


async def _rotate(issuer: Issuer, given: Rotation) -> OperationResult:
    made = await admin.rotate_keys(issuer, given.algorithm, at_once=given.at_once)
    now = int(issuer.clock())
    return OperationResult({"keys": [admin.describe(key, key_schedule.state(key, now)) for key in made]})


async def _retire(issuer: Issuer, given: NamedKey) -> OperationResult:
    key = await admin.retire_key(issuer, given.kid)
    return OperationResult({"kid": key.kid, "algorithm": key.algorithm})


async def _reseal(issuer: Issuer, _: NoInput) -> OperationResult:
    return OperationResult({"clients": await sealed_secrets.reseal_secrets(issuer)})


LIST = Operation(
    "key.list",
    "List the signing keys.",
    NoInput,
    KeyList,
    _list,
    columns=("kid", "algorithm", "state", "created_at", "signs_from_at", "signs_until_at"),
)
ROTATE = Operation("key.rotate", "Make the next signing keys.", Rotation, KeyList, _rotate)
RETIRE = Operation(
    "key.retire", "Trust a signing key no more, now.", NamedKey, RetiredKey, _retire, is_destructive=True
)
RESEAL = Operation(
    "key.reseal",
    "Encrypt client secrets anew under the first master key; scans all clients.",
    NoInput,
    Resealed,
    _reseal,
)

OPERATIONS = (LIST, ROTATE, RETIRE, RESEAL)
