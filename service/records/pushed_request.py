"""An authorization request that its client pushed (RFC 9126), until the user's browser comes with it."""

from service.records.json import Record


class PushedRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """The parameters as they came, those of a request object in their place, without the client's authentication."""

    client_id: str
    client_generation: int
    """Of the client when it pushed."""
    parameters: dict[str, str]
    resources: tuple[str, ...] = ()
    payload: str = ""
    """Of the request object that they came from, as JSON."""
