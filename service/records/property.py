"""A custom property: something the operator or the authorizing party attaches to a grant or client (IA-21, AU-30)."""

from typing import Any

import msgspec


class Property(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A name and a JSON value, and who sees them."""

    name: str
    value: Any  # JSON
    in_token_response: bool = False  # public
    in_introspection: bool = False  # visible to resource servers
