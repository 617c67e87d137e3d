"""What every further member of a grant offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.issuer import Issuer
from service.records.client import Client


def _nothing(_: Issuer) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMember:
    """What a client may ask for beside scope and resources: a value of JSON, kept and said in tokens as it is."""

    name: str
    """Of the parameter, and of the member of token responses, JWTs and introspection."""
    grant: Callable[[Issuer, Client, str], Any]
    """What can be granted of a first request. Raises ProtocolError."""
    narrow: Callable[[Any, str], Any]
    """What a later request asks for of what was granted. Raises ProtocolError."""
    describe: Callable[[Issuer, Any], list[str]]
    """What the user has to allow, a line each."""
    metadata: Callable[[Issuer], Mapping[str, object]] = _nothing
    """Members of discovery."""
