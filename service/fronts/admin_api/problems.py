"""Errors as problem details (RFC 9457): ``code`` is stable and for programs, ``detail`` is for operators."""

import re
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from service.admin.errors import AdminError, AlreadyExists, Contended, NotFound, Outdated
from service.protocol.decision import SERVER
from service.protocol.errors import ProtocolError
from service.protocol.redaction import redacted

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:mintmark:problem:"
"""The prefix of the code in ``type``."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **SERVER}
_FAULT = re.compile(r"([\w.\[\]#-]{1,200}): (.+)", re.DOTALL)


class ProblemType(NamedTuple):
    """A type of problem (RFC 9457)."""

    status: int
    code: str
    title: str


MALFORMED = ProblemType(400, "malformed", "Malformed request")
UNAUTHORIZED = ProblemType(401, "unauthorized", "Unauthorized")
FORBIDDEN = ProblemType(403, "forbidden", "Forbidden")
NOT_FOUND = ProblemType(404, "not_found", "Not found")
NO_SUCH_PATH = ProblemType(404, "no_such_path", "Path not found")
NOT_ALLOWED = ProblemType(405, "method_not_allowed", "Method not allowed")
TOO_SLOW = ProblemType(408, "timeout", "Request timeout")
ALREADY_EXISTS = ProblemType(409, "already_exists", "Already exists")
CONTENDED = ProblemType(409, "contended", "Changed by others at the same time")
OUTDATED = ProblemType(412, "outdated", "Precondition failed")
TOO_LARGE = ProblemType(413, "too_large", "Content too large")
TARGET_TOO_LONG = ProblemType(414, "target_too_long", "URI too long")
UNSUPPORTED = ProblemType(415, "unsupported_media_type", "Unsupported media type")
EXPECTATION = ProblemType(417, "expectation_failed", "Expectation failed")
REFUSED = ProblemType(422, "refused", "Refused")
MATCH_NEEDED = ProblemType(428, "if_match_needed", "Precondition required")
TOO_MANY = ProblemType(429, "too_many_failures", "Too many failures")
HEADER_TOO_LONG = ProblemType(431, "header_too_long", "Request header fields too large")
INCIDENT = ProblemType(500, "server_error", "Internal server error")
UNAVAILABLE = ProblemType(503, "temporarily_unavailable", "Temporarily unavailable")

KINDS = (
    *(MALFORMED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, NO_SUCH_PATH, NOT_ALLOWED, TOO_SLOW, ALREADY_EXISTS, OUTDATED),
    *(CONTENDED, TOO_LARGE, TARGET_TOO_LONG, UNSUPPORTED, EXPECTATION, REFUSED, MATCH_NEEDED, TOO_MANY),
    *(HEADER_TOO_LONG, INCIDENT, UNAVAILABLE),
)
OF_STATUS = {kind.status: kind for kind in KINDS if kind not in (NOT_FOUND, CONTENDED)}


class Problem(Exception):
    """An error that is answered with problem details."""

    def __init__(
        self, kind: ProblemType, detail: str, headers: dict[str, str] | None = None, **members: object
    ) -> None:
        self.kind = kind
        self.detail = redacted(detail)
        super().__init__(self.detail)
        self.headers = headers or {}
        self.members = members


def of_admin_error(error: AdminError) -> Problem:
    """Return the problem for an error; faults of input are listed one by one, by the name of their member."""
    text = str(error)
    if isinstance(error, NotFound):
        return Problem(NOT_FOUND, text)
    if isinstance(error, Outdated):
        return Problem(OUTDATED, text)
    if isinstance(error, Contended):
        return Problem(CONTENDED, text)
    kind = ALREADY_EXISTS if isinstance(error, AlreadyExists) else REFUSED
    found = [_FAULT.fullmatch(line) for line in text.splitlines()]
    faults = [{"member": _sendable(fault[1]), "text": _sendable(fault[2])} for fault in found if fault]
    members: dict[str, Any] = {"faults": faults} if faults else {}
    return Problem(kind, text, **members)


def of_protocol_error(error: ProtocolError) -> Problem:
    """Return the problem for an error of HTTP, by its status."""
    kind = OF_STATUS.get(error.status, REFUSED)
    return Problem(kind, error.description or error.error, headers=error.headers)


def render(problem: Problem) -> web.Response:
    """Return the response of a problem."""
    kind = problem.kind
    body = {"type": TYPE + kind.code, "title": kind.title, "status": kind.status, "code": kind.code}
    content = orjson.dumps(body | {"detail": _sendable(problem.detail)} | problem.members)
    return web.Response(
        body=content, status=kind.status, content_type=CONTENT_TYPE, headers={**HEADERS, **problem.headers}
    )


def _sendable(text: str) -> str:
    """Return a text without unpaired surrogates, which a URL may bring and UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [TYPE + kind.code for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {
            "type": "string",
            "enum": [kind.code for kind in KINDS],
            "description": "For programs: stays the same.",
        },
        "detail": {"type": "string", "description": "For operators."},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["member", "text"],
                "properties": {"member": {"type": "string"}, "text": {"type": "string"}},
                "additionalProperties": False,
            },
        },
        "incident": {"type": "string", "description": "Names the entry in the service's log."},
    },
    "additionalProperties": False,
}
