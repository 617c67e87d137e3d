"""A user of the built-in directory."""

from typing import Any

from service.records.json import Record


class User(Record, frozen=True, omit_defaults=True, gc=False):
    """A user who signs in with a password."""

    username: str
    subject: str  # never changes and is what tokens say
    password_hash: str = ""  # ``$argon2id$…``
    enabled: bool = True
    created_at: int = 0  # epoch seconds
    claims: dict[str, Any] = {}  # standard (OpenID Connect Core 5.1) and custom claims
    user_code_hash: str = ""
    """``$argon2id$…`` of the user code that a client must know to ask the user without a browser (CIBA)."""

    @property
    def released_claims(self) -> dict[str, Any]:
        """Return the claims for relying parties: ``preferred_username`` is the username unless the claims say otherwise."""
        return {"preferred_username": self.username, **self.claims}
