"""A person of the built-in directory."""

from typing import Any

from service.records.json import Record


class User(Record, frozen=True, omit_defaults=True, gc=False):
    """``subject``: never changes and is what tokens say; ``password_hash``: ``$argon2id$…``; ``claims``: standard claims of
    OpenID Connect Core 5.1 and custom ones; ``created_at``: epoch seconds.
    """

    username: str
    subject: str
    password_hash: str = ""
    enabled: bool = True
    created_at: int = 0
    claims: dict[str, Any] = {}
