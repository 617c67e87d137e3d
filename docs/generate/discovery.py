"""Every member of the server metadata, from what the endpoints say with everything on."""

import json
from enum import Enum
from typing import Any

from docs.generate import example
from docs.generate.tables import table
from service.endpoints import ENDPOINTS, discovery
from service.endpoints.metadata import OPENID_PATH, PATH

_HEAD = f"""# Server metadata

The document at `{OPENID_PATH}` (OpenID Connect Discovery 1.0) and `{PATH}` (RFC 8414) is
the sum of what each endpoint says, so it cannot promise what is not there. Libraries need the issuer alone. The examples are
of a service with everything on; *always*: there by default, too, once there are keys to sign with.

"""


def page() -> str:
    """The whole page."""
    everything, default = example.issuer(everything=True), discovery(example.issuer())
    owners = {name: one.name for one in ENDPOINTS.values() for name in one.metadata(everything)}
    rows = (
        (
            f"`{name}`",
            _owner(owners.get(name, "")),
            "always" if name in default else "where it is set up",
            _value(value),
        )
        for name, value in discovery(everything).items()
    )
    return _HEAD + table(("member", "of", "when", "example"), rows)


def _owner(name: str) -> str:
    return f"[{name}](endpoints.md#{name})" if name else "the service"


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        name, first = next(iter(value.items()))
        return f"`{json.dumps({name: first})}`"
    if isinstance(value, list | tuple):
        words = [one.value if isinstance(one, Enum) else one for one in value]
        return " ".join(f"`{word}`" for word in words)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
