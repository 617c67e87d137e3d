"""The interface of every endpoint: one value, from which routes, discovery, CORS, metric labels and reserved paths derive."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from service.issuer import Issuer
from service.protocol.browsing import Reply, Visit
from service.protocol.decision import Decision
from service.protocol.errors import ProtocolError
from service.protocol.request import Request
from service.settings import Settings, SettingsError


def always(*values: str) -> Callable[[Settings], tuple[str, ...]]:
    """Return a function for paths or methods that do not depend on the settings."""
    return lambda _: values


GET, POST, PAGE_METHODS = always("GET"), always("POST"), always("GET", "POST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint, for every kind of caller."""

    name: str
    """Its name in metrics, logs and refusals."""
    paths: Callable[[Settings], tuple[str, ...]]
    """Paths below the issuer; reserved even while the endpoint is off. One that ends with ``/*`` has any further part."""
    methods: Callable[[Settings], tuple[str, ...]] = POST
    """HTTP methods that it serves."""
    metadata: Callable[[Issuer], Mapping[str, object]] = lambda _: {}
    """Members of discovery (RFC 8414); those that are None are left out."""
    is_on: Callable[[Issuer], bool] = lambda _: True
    """Whether it is served and in discovery."""
    head: bool = True
    """Whether HEAD is served like GET: not where GET does something, and the content with its result would be lost."""


class Content(Enum):
    """The media type of a request's body. Methods without a body have their parameters in the query."""

    FORM = auto()
    OPTIONAL_FORM = auto()
    """A form; a POST may also come without a body (OpenID Connect Core 5.3.1)."""
    BYTES = auto()
    """Anything: the endpoint reads the body itself, and the query holds the parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEndpoint(Endpoint):
    """Called by clients and resource servers; pages of other origins may call it, too (CORS)."""

    handle: Callable[[Issuer, Request], Awaitable[Decision]]
    """Handles a request. Raises ProtocolError, which becomes the error response."""
    content: Content = Content.FORM
    takes_key_proofs: bool = False
    """Whether clients prove here that they hold keys (``tokens.binding``)."""
    challenged: Callable[[Issuer, str, ProtocolError], ProtocolError] | None = None
    """Adds the challenge of a resource of ours to a refusal, by the Authorization header, "" = none (RFC 6750 section 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserEndpoint(Endpoint):
    """Visited by users with their browser."""

    handle: Callable[[Issuer, Visit], Awaitable[Reply]]
    methods: Callable[[Settings], tuple[str, ...]] = PAGE_METHODS
    posted_by_clients: bool = False
    """Whether forms of other sites may post here: they come without our cookies (SameSite=Lax), and are repeated by GET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEndpoint(Endpoint):
    """A public document. It takes the If-None-Match header, and never waits."""

    handle: Callable[[Issuer, str], Decision]
    methods: Callable[[Settings], tuple[str, ...]] = GET


def check_paths(endpoints: Iterable[Endpoint], settings: Settings, taken: Iterable[str]) -> None:
    """Refuse two endpoints at one path.

    Args:
        endpoints: All of them, also those that are off.
        settings: They name the paths of the token endpoint.
        taken: Paths that are served in addition to the endpoints.

    Raises:
        SettingsError: A path of the token endpoint is taken.
        ValueError: An added endpoint has the path of another.
    """
    owners = dict.fromkeys(taken, "")
    for endpoint in endpoints:
        for path in endpoint.paths(settings):
            if owners.get(path, endpoint.name) != endpoint.name:
                if "token" in (endpoint.name, owners[path]):
                    raise SettingsError(f"token_paths: {path}: there is something else; choose other paths")
                raise ValueError(f"{path}: {endpoint.name} and something else have this path")
            owners[path] = endpoint.name
