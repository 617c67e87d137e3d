"""Requests that were refused lately."""

from typing import Annotated

from pydantic import AfterValidator, Field

from service.admin import refusals as admin
from service.admin.operations.operation import NextCursor, Operation, OperationResult, Output, PageInput, Since, Word
from service.admin.refusals import RefusalFilter
from service.issuer import Issuer
from service.protocol.refusals import REASONS


def _known_error(error: str) -> str:
    if error and error not in admin.ERRORS:
        raise ValueError(f"there is no such error; there are {', '.join(admin.ERRORS)}")
    return error


def _known_reason(reason: str) -> str:
    if reason and reason not in REASONS:
        raise ValueError("there is no such reason; docs/refusals.md lists them all")
    return reason


class WantedRefusals(PageInput):
    """What to look for."""

    client_id: Annotated[Word, Field(description="Only requests of this client.")] = ""
    error: Annotated[
        Word, AfterValidator(_known_error), Field(description="Only requests answered with this error: invalid_grant.")
    ] = ""
    reason: Annotated[
        Word,
        AfterValidator(_known_reason),
        Field(description="Only requests refused for this reason (docs/refusals.md)."),
    ] = ""
    since: Since = 0


KNOWN_ERRORS = admin.ERRORS


class ShownRefusal(Output):
    """A request that was refused."""

    id: str
    at: Annotated[float, Field(description="Epoch seconds.")]
    endpoint: str
    error: str
    reason: str
    detail: str
    client_id: Annotated[str, Field(description="Empty where no client was named that exists.")]
    address: str
    request_id: str
    remedy: Annotated[str, Field(description="What to do about it.")]


class RefusalList(Output):
    """The newest in front."""

    refused: tuple[ShownRefusal, ...]
    cursor: NextCursor


async def _list(issuer: Issuer, given: WantedRefusals) -> OperationResult:
    wanted = RefusalFilter(given.client_id, given.error, given.reason, given.since)
    page = await admin.list_refused(issuer, wanted, given.cursor, given.limit)
    return OperationResult.of_list("refused", page, admin.describe)


LIST = Operation(
    "refused.list",
    "List requests that were refused lately.",
    WantedRefusals,
    RefusalList,
    _list,
    columns=("at", "client_id", "endpoint", "error", "reason", "detail", "address", "request_id"),
)

OPERATIONS = (LIST,)
