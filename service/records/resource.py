"""A registered resource: an API or MCP server that access tokens may be for (RFC 8707, RFC 9728)."""

from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from service.records.json import Record


class Resource(Record, frozen=True, omit_defaults=True, gc=False):
    """A resource that an operator registered, by its identifier."""

    resource: str  # as clients name it, and tokens in aud
    name: str = ""
    scopes: tuple[str, ...] = ()  # what clients that registered themselves may ask for there
    access_token_format: AccessTokenFormat | None = None
    access_token_signing_alg: SigningAlgorithm | None = None
    access_token_lifetime: int | None = None  # seconds, at most
    self_registered: bool = False  # whether clients that registered themselves may have tokens for it
    created_at: int = 0  # epoch seconds
    managed_by: str = ""  # where it is declared; "": it is nobody's but the operators'


class ResourceSet(Record, frozen=True, omit_defaults=True, gc=False):
    """All registered resources by their identifiers: one record, which every process holds in memory."""

    resources: dict[str, Resource] = {}
