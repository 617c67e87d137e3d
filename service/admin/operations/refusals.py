"""Requests that were refused lately."""

from typing import Annotated

from pydantic import Field

from service.admin import refusals as admin
from service.admin.operations.operation import NextCursor, Operation, OperationResult, Output, PageInput
from service.admin.refusals import RefusalFilter
from service.issuer import Issuer

_Word = Annotated[str, Field(max_length=300)]


class WantedRefusals(PageInput):
    """What to look for. ``reason``: of docs/refusals.md; ``since``: epoch seconds."""

    client_id: _Word = ""
    error: _Word = ""
    reason: _Word = ""
    since: Annotated[int, Field(ge=0, le=253_402_300_800)] = 0


class ShownRefusal(Output):
    """``at``: epoch seconds; ``client_id``: "" where no client was named that exists; ``remedy``: what to do about it."""

    id: str
    at: float
    endpoint: str
    error: str
    reason: str
    detail: str
    client_id: str
    address: str
    request_id: str
    remedy: str


class RefusalList(Output):
    """The newest in front."""

    refused: tuple[ShownRefusal, ...]
    cursor: NextCursor


async def _list(issuer: Issuer, given: WantedRefusals) -> OperationResult:
    wanted = RefusalFilter(given.client_id, given.error, given.reason, given.since)
    page = await admin.list_refused(issuer, wanted, given.cursor, given.limit)
    return OperationResult({"refused": [admin.describe(placed) for placed in page.refused], "cursor": page.cursor})


LIST = Operation("refused.list", "List requests that were refused lately.", WantedRefusals, RefusalList, _list)

OPERATIONS = (LIST,)
