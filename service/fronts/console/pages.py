"""The interface of the console's handlers: they get the request of an operator, and return a page or a redirect."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from service.admin.actor import Actor
from service.admin.errors import AdminError, NotFound
from service.admin.operations import AnyOperation, OperationResult, perform
from service.endpoints.metadata import OPENID_PATH
from service.issuer import Issuer

ROOT = "/console"
SIGN_IN = f"{ROOT}/sign-in"
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class ConsoleRequest:
    """A request of a signed-in operator."""

    issuer: Issuer
    actor: Actor
    parameters: Mapping[str, str]
    """The parameters of the query, or of the form of a POST."""
    outcome: Mapping[str, str] = field(default_factory=dict)
    """The outcome of the act that led to this page: ``done`` names the message. No link can bring it."""

    def get(self, name: str) -> str:
        """Return a parameter without blanks around it; "" where there is none."""
        return self.parameters.get(name, "").strip()

    def named(self, name: str) -> str:
        """Return the parameter that names the subject of the page. Raises NotFound where it is empty or too long."""
        text = self.get(name)
        if not 0 < len(text) <= _LONGEST_NAME:
            raise NotFound("nothing of this name is here")
        return text

    async def perform(self, operation: AnyOperation, /, **given: object) -> OperationResult:
        """Perform an operation in the name of the operator. Raises AdminError, TemporarilyUnavailable."""
        return await perform(self.issuer, operation, given, self.actor)

    async def do(self, operation: AnyOperation, /, **given: object) -> Mapping[str, Any]:
        """Perform an operation, and return only its output. Raises AdminError, TemporarilyUnavailable."""
        return (await self.perform(operation, **given)).body

    async def find(self, operation: AnyOperation, /, **given: object) -> Mapping[str, Any] | None:
        """Return the output of an operation, None where it is refused. Raises TemporarilyUnavailable."""
        try:
            return await self.do(operation, **given)
        except AdminError:
            return None


class Show(NamedTuple):
    """A page: its template, and the values that the template needs."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    """Further headers of this response."""


class Go(NamedTuple):
    """A redirect to another page, after something was done."""

    location: str
    """A path of the console with its query."""
    outcome: Mapping[str, str] = MappingProxyType({})
    """What the next page says of the act, once; see ``ConsoleRequest``."""


ConsoleReply = Show | Go
Handler = Callable[[ConsoleRequest], Awaitable[ConsoleReply]]


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A path below ``ROOT``, with its handlers."""

    path: str
    get: Handler | None = None
    post: Handler | None = None
    prolongs: bool = field(default=True)
    """Whether a request counts as use of the session."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that have a handler."""
        return tuple(name for name, handler in (("GET", self.get), ("POST", self.post)) if handler)


def addresses(issuer: Issuer) -> dict[str, str]:
    """Return the URLs of the service that a client needs."""
    return {
        "issuer": issuer.url,
        "discovery": issuer.url_of(OPENID_PATH),
        "token_endpoint": issuer.url_of(issuer.settings.token_paths[0]),
    }


def link(path: str, /, **query: str) -> str:
    """Return a path of the console with a query, without empty parameters."""
    given = {name: value for name, value in query.items() if value}
    return f"{ROOT}{path}?{urlencode(given)}" if given else f"{ROOT}{path}"


def lines(text: str) -> list[str]:
    """Return the lines of a text area without blanks around them; only CR LF and LF end a line (HTML 4.10.21.4)."""
    return [line for line in map(str.strip, re.split(r"\r?\n", text)) if line]


def faults_of(error: Exception, names: Collection[str]) -> dict[str, str]:
    """Return the faults by field of the form; those of no field are under ""."""
    faults: dict[str, str] = {}
    for line in str(error).splitlines():
        where, _, text = line.partition(": ")
        name = where.partition(".")[0]
        faults[name if name in names else ""] = text if name in names else line
    return faults
