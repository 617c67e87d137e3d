"""What the decision API answers: values here, JSON in one place."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from service.fronts.decision_api.result_codes import ResultCode
from service.protocol.decision import NO_STORE
from service.protocol.redaction import redacted


class CallResult(NamedTuple):
    """``members``: of the JSON object, those that are None left out; ``action``: what the caller is to do, "" where there is
    no choice; ``detail``: goes with the text of the result code; ``facts``: for the log line, and never a secret (AU-35).
    """

    result: ResultCode = ResultCode.OK
    members: Mapping[str, Any] = {}
    action: str = ""
    detail: str = ""
    status: int = 200
    headers: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}

    def content(self) -> bytes:
        """The body; none with 204."""
        if self.status == 204:
            return b""
        message = f"[{self.result.code}] {self.result.text}" + (f" {redacted(self.detail)}" if self.detail else "")
        body = {"resultCode": self.result.code, "resultMessage": message}
        if self.action:
            body["action"] = self.action
        members = {name: value for name, value in self.members.items() if value is not None}
        return orjson.dumps(body | members)


class Document(NamedTuple):
    """A document that is handed over as it is: JSON, without a result code around it."""

    body: bytes
    status: int = 200


class CallError(Exception):
    """The call itself is at fault, or cannot be answered: ``status`` is the HTTP status."""

    def __init__(
        self, result: ResultCode, detail: str = "", *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or result.text)
        self.answer = CallResult(result, detail=detail, status=status, headers=headers or {})


NO_CONTENT = CallResult(status=204)
"""Done, without content."""

HEADERS = NO_STORE
"""With every answer: it may carry tokens."""


def milliseconds(seconds: int) -> int:
    """Epoch milliseconds of epoch seconds; 0 (never, none) stays 0 (AU-18)."""
    return seconds * 1000
