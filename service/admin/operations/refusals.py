"""The operation that lists recently refused requests."""

from typing import Annotated

from pydantic import Field

from service.admin import refusals as admin
from service.admin.operations.operation import Operation, OperationResult, Output, page_of
from service.records.refused_request import RefusedRequest
from service.store.refused_requests import PlacedRefusal

KNOWN_ERRORS = admin.ERRORS


class ShownRefusal(Output[PlacedRefusal]):
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

    @classmethod
    def of(cls, result: PlacedRefusal) -> OperationResult:
        """Return the request, and what to do about it."""
        request = result.request
        members = {name: getattr(request, name) for name in RefusedRequest.__struct_fields__}
        own = {"id": result.place, "at": request.at / 1000, "remedy": admin.remedy_of(request)}
        return OperationResult(members | own)


LIST = Operation(
    "refused.list",
    "List requests that were refused lately.",
    admin.list_refused,
    page_of("refused", ShownRefusal, "The newest in front."),
    columns=("at", "client_id", "endpoint", "error", "reason", "detail", "address", "request_id"),
)
