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
    """``issued_at``: epoch seconds; ``scope`` and ``audience``: None where they are the grant's; ``grant``: the whole grant
    where this token is all that it will ever issue (client_credentials), so that no second key is
    needed; ``properties``: what hooks, and callers of the decision API, added to this token alone.
    """

    issued_at: int
    scope: str | None = None
    audience: tuple[str, ...] | None = None
    grant: Grant | None = None
    properties: tuple[Property, ...] = ()
