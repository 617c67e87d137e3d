"""A call of the decision API: who makes it, where it goes, and what comes of it; JSON is made in one place."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from service.admin.client_numbers import find_client
from service.fronts.decision_api.result_codes import ResultCode
from service.issuer import Issuer
from service.protocol.decision import refuse
from service.protocol.errors import ProtocolError
from service.protocol.redaction import redacted
from service.records.client import Client
from service.settings.faults import lines


class Call(NamedTuple):
    """Who calls."""

    issuer: Issuer
    api_key: str
    path: Mapping[str, str] = {}
    """The parts of the path that are variable."""
    address: str = ""
    """Of the caller, as text."""

    async def client(self) -> Client:
        """The client that the path names by its number, client_id or alias. Raises NotFound."""
        return await find_client(self.issuer, self.path["client"])


class CallResult(NamedTuple):
    """What a call is answered."""

    result: ResultCode = ResultCode.OK
    members: Mapping[str, Any] = {}
    """Of the JSON object; those that are None are left out."""
    action: str = ""
    """What the caller is to do, "" where there is no choice."""
    detail: str = ""
    """Goes with the text of the result code."""
    status: int = 200
    headers: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}
    """For the log line, and never a secret (AU-35)."""

    def content(self) -> bytes:
        """The body; none with 204."""
        if self.status == 204:
            return b""
        message = f"[{self.result.code}] {self.result.text}" + (f" {redacted(self.detail)}" if self.detail else "")
        body = {"resultCode": self.result.code, "resultMessage": message, "action": self.action or None}
        return orjson.dumps({name: value for name, value in {**body, **self.members}.items() if value is not None})


class CallError(Exception):
    """The call itself is at fault, or cannot be answered."""

    def __init__(
        self, result: ResultCode, detail: str = "", *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or result.text)
        self.answer = CallResult(result, detail=detail, status=status, headers=headers or {})


NOTHING_KNOWN = CallResult()
NO_CONTENT = CallResult(status=204)
"""Done, without content."""


class Body(BaseModel):
    """What callers write to us: camelCase members; those that we do not know are ignored, for theirs grow."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, members: object) -> object:
        """Take null as if it were not there: the SDKs send every member that they know."""
        if not isinstance(members, dict):
            return members
        return {name: value for name, value in members.items() if value is not None}

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """The body, checked. Raises CallError with every fault, but never what was written: it may be a secret."""
        try:
            return cls.model_validate(dict(members))
        except ValidationError as error:
            faults = lines(error, "there is no such member", dict(members))
        raise CallError(ResultCode.MALFORMED, "; ".join(faults)[:1000])


class Route(NamedTuple):
    """One call: where it is, what it takes, and who answers it."""

    path: str
    """Below ``/api``, with ``{names}``."""
    answer: Callable[[Call, Any], Awaitable[CallResult | bytes]]
    """Bytes are a document: JSON that is handed over without a result code around it."""
    body: type[Body] = Body
    """What POST brings in its body, GET and DELETE in the query; without members of its own nothing is looked at."""
    methods: tuple[str, ...] = ("POST",)
    refused: Callable[[ProtocolError], CallResult] | None = None
    """Answers an error that is for the client, not for the caller."""
    bad_ticket: CallResult = CallResult(ResultCode.INVALID_TICKET)
    """The answer where the ticket of the call cannot be used."""


def milliseconds(seconds: int) -> int:
    """Epoch milliseconds of epoch seconds; 0 (never, none) stays 0 (AU-18)."""
    return seconds * 1000


def response_content(error: ProtocolError) -> dict[str, str]:
    """The response for the client as a member (RFC 6749 5.2). Raises the error again where the call is to be repeated (P7)."""
    if error.status == 503:
        raise error
    return {"responseContent": refuse(error).content.decode()}
