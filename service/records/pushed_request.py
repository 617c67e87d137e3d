"""An authorization request that its client pushed (RFC 9126), until the user's browser brings its name."""

from service.records.json import Record


class PushedRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """The parameters as they came, or those of a request object, without the client's authentication."""

    client_id: str
    client_generation: int
    """The generation of the client when it pushed."""
    parameters: dict[str, str]
    resources: tuple[str, ...] = ()
    payload: str = ""
    """The claims of the request object, if they came from one, as JSON."""
