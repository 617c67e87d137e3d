"""What every endpoint is: one value, of which routes, discovery, CORS, metric labels and reserved paths derive."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from service.issuer import Issuer
from service.protocol.browsing import Reply, Visit
from service.protocol.decision import Decision
from service.protocol.request import Request
from service.settings import Settings, SettingsError


def always(*values: str) -> Callable[[Settings], tuple[str, ...]]:
    """The same paths or methods whatever the settings are."""
    return lambda _: values


GET, POST, PAGE_METHODS = always("GET"), always("POST"), always("GET", "POST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint, for every kind of caller."""

    name: str
    """In metrics, logs and refusals."""
    paths: Callable[[Settings], tuple[str, ...]]
    """Below the issuer; reserved also while the endpoint is off. One that ends with ``/*`` has a further part, whichever."""
    methods: Callable[[Settings], tuple[str, ...]] = POST
    """HTTP methods that it serves."""
    metadata: Callable[[Issuer], Mapping[str, object]] = lambda _: {}
    """Members of discovery (RFC 8414); those that are None are left out."""
    is_on: Callable[[Issuer], bool] = lambda _: True
    """Whether it is served and in discovery."""


class Content(Enum):
    """What the body of a request is read as. Methods without a body have their parameters in the query."""

    FORM = auto()
    OPTIONAL_FORM = auto()
    """A POST may also come without any body (OpenID Connect Core 5.3.1)."""
    BYTES = auto()
    """The endpoint reads it itself, and the query holds parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEndpoint(Endpoint):
    """Called by clients and resource servers; pages of other origins may call it, too (CORS)."""

    handle: Callable[[Issuer, Request], Awaitable[Decision]]
    """Raises ProtocolError, which becomes the error response."""
    content: Content = Content.FORM
    takes_key_proofs: bool = False
    """Whether clients show here that they hold keys (``tokens.binding``)."""
    head: bool = True
    """Whether HEAD is served like GET: not where a response without its content would be a loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserEndpoint(Endpoint):
    """Visited by users with their browser."""

    handle: Callable[[Issuer, Visit], Awaitable[Reply]]
    methods: Callable[[Settings], tuple[str, ...]] = PAGE_METHODS
    posted_by_clients: bool = False
    """Whether forms of other sites may post here: they come without our cookies (SameSite=Lax), and are asked again by GET."""


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
        taken: Paths that are served beside the endpoints.

    Raises:
        SettingsError: The paths of the token endpoint are chosen so.
        ValueError: An endpoint that was added has the path of another.
    """
    owners = dict.fromkeys(taken, "")
    for endpoint in endpoints:
        for path in endpoint.paths(settings):
            if owners.get(path, endpoint.name) != endpoint.name:
                if "token" in (endpoint.name, owners[path]):
                    raise SettingsError(f"token_paths: {path}: there is something else; choose other paths")
                raise ValueError(f"{path}: {endpoint.name} and something else have this path")
            owners[path] = endpoint.name
