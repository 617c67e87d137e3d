"""A call of the decision API: its caller, body, route and result, whose JSON is made in one place."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

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

_NAME = re.compile(r"^[a-z]+(?=[:.])|\b[a-z0-9]+(?:_[a-z0-9]+)+\b", re.ASCII | re.MULTILINE)
"""A name of a member in a refusal of the admin core: in front of its fault, or of several words."""


class Call(NamedTuple):
    """A call, with its caller."""

    issuer: Issuer
    api_key: str
    path: Mapping[str, str] = {}
    """The variable parts of the path."""
    address: str = ""
    """The IP address of the caller, as text."""

    async def client(self) -> Client:
        """Return the client that the path names by its number, client_id or alias. Raises NotFound."""
        return await find_client(self.issuer, self.path["client"])


class CallResult(NamedTuple):
    """The answer to a call."""

    result: ResultCode = ResultCode.OK
    members: Mapping[str, Any] = {}
    """The members of the JSON object; those that are None are left out."""
    action: str = ""
    """The action that the caller is to take; "" where there is no choice."""
    detail: str = ""
    """The text after that of the result code."""
    status: int = 200
    headers: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}
    """Facts for the log, never secrets (AU-35)."""

    def content(self) -> bytes:
        """Return the body, empty with 204."""
        if self.status == 204:
            return b""
        message = f"[{self.result.code}] {self.result.text}" + (f" {redacted(self.detail)}" if self.detail else "")
        body = {"resultCode": self.result.code, "resultMessage": message, "action": self.action or None}
        return orjson.dumps({name: value for name, value in {**body, **self.members}.items() if value is not None})


class CallError(Exception):
    """The call itself is invalid, or cannot be answered."""

    def __init__(
        self, result: ResultCode, detail: str = "", *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or result.text)
        self.answer = CallResult(result, detail=detail, status=status, headers=headers or {})


NOTHING_KNOWN = CallResult()
NO_CONTENT = CallResult(status=204)
"""Done, without content."""


class Body(BaseModel):
    """The body of a call, with members in camelCase. Unknown members are ignored, as newer SDKs send more of them."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,
    )
    CORE_NAMES: ClassVar[Mapping[str, str]] = {}
    """Members of the admin core's input, with the names by which the caller gives them."""
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {}
    """Members that are refused unless they are empty, with the reason: if they were ignored, a token would lack what the
    caller expects."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, members: object) -> object:
        """Remove members that are null, as the SDKs send every member that they know."""
        if not isinstance(members, dict):
            return members
        return {name: value for name, value in members.items() if value is not None}

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """Return the validated body. Raises CallError with every fault, without values, which may be secrets."""
        try:
            return cls.model_validate(dict(members))
        except ValidationError as error:
            faults = lines(error, "there is no such member", dict(members))
        raise CallError(ResultCode.MALFORMED, "; ".join(faults)[:1000])

    @classmethod
    def renamed(cls, text: str) -> str:
        """Return a refusal of the admin core with the caller's names of members."""
        return _NAME.sub(lambda found: cls.CORE_NAMES.get(found[0], found[0]), text)

    def check_supported(self) -> None:
        """Refuse members of ``UNSUPPORTED`` that are not empty. Raises CallError."""
        if faults := self.unsupported():
            raise CallError(ResultCode.UNSUPPORTED, "; ".join(faults))

    def unsupported(self) -> list[str]:
        """Return a fault for each member of ``UNSUPPORTED`` that is not empty."""
        return [f"{self.alias_of(name)}: {why}" for name, why in self.UNSUPPORTED.items() if getattr(self, name)]

    @classmethod
    def alias_of(cls, name: str) -> str:
        """Return the caller's name of a member of this body."""
        return cls.model_fields[name].alias or name


class Route(NamedTuple):
    """The route of one call: its path, its body, and its function."""

    path: str
    """The path below ``/api``, with ``{names}``."""
    answer: Callable[[Call, Any], Awaitable[CallResult | bytes]]
    """Answers the call. Bytes are a JSON document that is sent without a result code around it."""
    body: type[Body] = Body
    """The members in the body of POST, or in the query of GET and DELETE; ``Body`` itself has none."""
    methods: tuple[str, ...] = ("POST",)
    refused: Callable[[ProtocolError], CallResult] | None = None
    """Makes the answer for an error that is for the client, not for the caller."""
    bad_ticket: CallResult = CallResult(ResultCode.INVALID_TICKET)
    """The answer where the ticket of the call cannot be used."""
    head: bool = True
    """Whether HEAD is served like GET: not where GET does something, and the content with its result would be lost."""


def milliseconds(seconds: int) -> int:
    """Return epoch milliseconds for epoch seconds; 0 (never, none) stays 0 (AU-18)."""
    return seconds * 1000


def max_age_member(seconds: int | None) -> int | None:
    """Return ``maxAge`` of a request: 0 means "no limit" in this format, so max_age=0 is expressed by 1."""
    return None if seconds is None else max(1, seconds)


def response_content(error: ProtocolError) -> dict[str, str]:
    """Return the member with the response for the client (RFC 6749 section 5.2). Raises an error that asks for a retry (P7)."""
    if error.status == 503:
        raise error
    return {"responseContent": refuse(error).content.decode()}
