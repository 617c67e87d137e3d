"""What went wrong, as problem details (RFC 9457): ``code`` is for programs and stays the same, ``detail`` is for people."""

import re
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from service.admin.errors import AdminError, AlreadyExists, NotFound, Outdated
from service.protocol.decision import SERVER
from service.protocol.redaction import redacted

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:mintmark:problem:"
"""Before the code; the code alone says as much."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **SERVER}
_FAULT = re.compile(r"([\w.\[\]#-]{1,200}): (.+)", re.DOTALL)


class ProblemType(NamedTuple):
    """A problem that there can be."""

    status: int
    code: str
    title: str


MALFORMED = ProblemType(400, "malformed", "The request cannot be read")
UNAUTHORIZED = ProblemType(401, "unauthorized", "An operator's token or certificate is needed")
NOT_HERE = ProblemType(403, "forbidden", "Not in this way")
NOT_FOUND = ProblemType(404, "not_found", "There is no such thing")
NO_SUCH_PATH = ProblemType(404, "no_such_path", "There is nothing here")
NOT_ALLOWED = ProblemType(405, "method_not_allowed", "This path has other methods")
TOO_SLOW = ProblemType(408, "timeout", "The body did not come in time")
ALREADY_EXISTS = ProblemType(409, "already_exists", "The name is taken")
OUTDATED = ProblemType(412, "outdated", "It is no longer as you saw it")
TOO_LARGE = ProblemType(413, "too_large", "The body is too large")
UNSUPPORTED = ProblemType(415, "unsupported_media_type", "The body must be JSON")
EXPECTATION = ProblemType(417, "expectation_failed", "What is expected cannot be met")
REFUSED = ProblemType(422, "refused", "It cannot be done")
MATCH_NEEDED = ProblemType(428, "if_match_needed", "Say which version you have seen")
TOO_MANY = ProblemType(429, "too_many_failures", "Too many failed attempts")
INCIDENT = ProblemType(500, "server_error", "Something went wrong")
UNAVAILABLE = ProblemType(503, "temporarily_unavailable", "Try again in a moment")

KINDS = (
    *(MALFORMED, UNAUTHORIZED, NOT_HERE, NOT_FOUND, NO_SUCH_PATH, NOT_ALLOWED, TOO_SLOW, ALREADY_EXISTS, OUTDATED),
    *(TOO_LARGE, UNSUPPORTED, EXPECTATION, REFUSED, MATCH_NEEDED, TOO_MANY, INCIDENT, UNAVAILABLE),
)


class Problem(Exception):
    """To be answered with a problem."""

    def __init__(self, kind: ProblemType, detail: str, headers: dict[str, str] | None = None, **members: Any) -> None:
        self.kind = kind
        self.detail = redacted(detail)
        super().__init__(self.detail)
        self.headers = headers or {}
        self.members = members


def of_admin_error(error: AdminError) -> Problem:
    """Faults of input are told one by one, by the name of the member."""
    text = str(error)
    if isinstance(error, NotFound):
        return Problem(NOT_FOUND, text)
    if isinstance(error, Outdated):
        return Problem(OUTDATED, text)
    kind = ALREADY_EXISTS if isinstance(error, AlreadyExists) else REFUSED
    found = [_FAULT.fullmatch(line) for line in text.splitlines()]
    faults = [{"member": _sendable(fault[1]), "text": _sendable(fault[2])} for fault in found if fault]
    members: dict[str, Any] = {"faults": faults} if faults else {}
    return Problem(kind, text, **members)


def render(problem: Problem) -> web.Response:
    """The response."""
    kind = problem.kind
    body = {"type": TYPE + kind.code, "title": kind.title, "status": kind.status, "code": kind.code}
    content = orjson.dumps(body | {"detail": _sendable(problem.detail)} | problem.members)
    return web.Response(
        body=content, status=kind.status, content_type=CONTENT_TYPE, headers={**HEADERS, **problem.headers}
    )


def _sendable(text: str) -> str:
    """Without what UTF-8 cannot hold: it came from an URL."""
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
        "detail": {"type": "string", "description": "For people."},
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
