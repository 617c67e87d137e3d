"""An access token, by its hash (IA-03 to IA-07, IA-18)."""

from service.records.grant import Grant
from service.records.json import Record
from service.records.property import Property


class AccessToken(
    Record,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={"issued_at": "i", "scope": "s", "audience": "a", "grant": "g", "properties": "p"},
):
    """What an access token has of its own."""

    issued_at: int  # epoch seconds
    scope: str | None = None  # None: the grant's
    audience: tuple[str, ...] | None = None  # None: the grant's
    grant: Grant | None = None
    """The whole grant, where it will never issue anything else (client_credentials): no second key is needed."""
    properties: tuple[Property, ...] = ()
    """What hooks, and callers of the decision API, added to this token alone."""
