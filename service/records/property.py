"""A custom property: something the operator or the authorizing party attaches to a grant or client (IA-21, AU-30)."""

from typing import Any

import msgspec


class Property(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """``value``: any JSON; ``in_token_response``: public; ``in_introspection``: told to resource servers."""

    name: str
    value: Any
    in_token_response: bool = False
    in_introspection: bool = False
