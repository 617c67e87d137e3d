"""Operations on tokens: inspect one, and list the credentials of a grant."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

from service.admin import grants, inspection, issued
from service.admin.inspection import finding
from service.admin.inspection.explanation import explain
from service.admin.operations.operation import Operation, OperationResult, Output, Seconds, page_of
from service.admin.paging import Listing
from service.issuer import Issuer
from service.protocol.whole_numbers import whole_number
from service.store.scanning import LivingCredential

_KEYS_SCANNED = 10_000
"""Keys of the grant's server that a call scans."""
_DIGITS = 20


def _position(cursor: str) -> str:
    number = whole_number(cursor or "0", _DIGITS)
    if number is None or number >= 2**64:
        raise ValueError("is not a cursor: give the one that the page before ended with")
    return cursor


_Position = Annotated[str, Field(max_length=_DIGITS), AfterValidator(_position)]


class Reason(Output[Mapping[str, Any]]):
    """A reason why the token would be refused: a code for programs, a text for operators."""

    reason: finding.Why
    text: str


class InspectedToken(Output[Mapping[str, Any]]):
    """The kind of the token, its owner, permissions and end, and why it would be refused. Empty members are left out."""

    what: finding.What
    active: bool
    reasons: tuple[Reason, ...]
    signed_by_us: bool = False
    kind: str = ""
    client_id: str = ""
    subject: str = ""
    username: str = ""
    grant_id: str = ""
    grant_type: str = ""
    scope: str = ""
    audience: tuple[str, ...] = ()
    accepted_by: str = ""
    ended_by: str = ""
    issued_at: Seconds = 0
    ends_at: Seconds = 0
    jti: str = ""
    refreshes_left: int = 0
    redirect_uri: str = ""
    bound_to: dict[str, str] = Field(default_factory=dict)
    header: dict[str, JsonValue] = Field(default_factory=dict)
    claims: dict[str, JsonValue] = Field(default_factory=dict)


class IssuedCredential(Output[LivingCredential]):
    """A credential that a grant has issued."""

    kind: str
    handle: Annotated[str, Field(description="Names it, and is of no use as a token.")]
    issued_at: Seconds
    ends_at: Seconds
    scope: Annotated[str | None, Field(description="Null = that of the grant.")]
    used: Annotated[bool, Field(description="Whether it is only remembered.")]

    @classmethod
    def of(cls, result: LivingCredential) -> OperationResult:
        """Return the credential by its handle."""
        own = {"kind": issued.KINDS[result.kind], "handle": result.hash}
        return OperationResult(own | {name: getattr(result, name) for name in cls.model_fields if name not in own})


async def _inspect(issuer: Issuer, token: Annotated[str, Field(min_length=1, max_length=20_000)]) -> Mapping[str, Any]:
    """Inspect a token, which is not stored, logged or returned."""
    found = await inspection.inspect(issuer, token)
    return finding.describe(found) | await explain(issuer, found)


async def _list_issued(issuer: Issuer, grant_id: grants.GrantId, cursor: _Position = "") -> Listing[LivingCredential]:
    if not cursor:  # credentials of an ended grant may still be stored, but are dead
        await grants.get_grant(issuer, grant_id)
    return await issued.list_issued(issuer, grant_id, cursor, _KEYS_SCANNED)


INSPECT = Operation("token.inspect", "Say what a token is, and why it would be refused.", _inspect, InspectedToken)
LIST_ISSUED = Operation(
    "grant.list_issued",
    "List what is alive of what a grant has issued.",
    _list_issued,
    page_of(
        "issued",
        IssuedCredential,
        "There is no index: a call looks at some keys, and a page may be empty though more follow.",
    ),
)
