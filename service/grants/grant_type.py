"""The interface of every grant type."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from service.issuer import Issuer
from service.tokens.authorization import Authorization
from service.tokens.token_request import TokenRequest


def _nothing(_: Issuer) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class GrantType:
    """One grant type of the token endpoint."""

    name: str
    """Its registered name: the ``grant_type`` of a token request."""
    authorize: Callable[[Issuer, TokenRequest], Awaitable[Authorization]]
    """Decides who allowed which client what. Raises the errors of RFC 6749 section 5.2."""
    help: str = ""
    """One line on what it is for, shown where a client's grant types are chosen."""
    metadata: Callable[[Issuer], Mapping[str, object]] = _nothing
    """Members of discovery."""
    is_on: Callable[[Issuer], bool] = lambda _: True
    """Whether it is in discovery."""
    has_side_effects: bool = False
    """Whether ``authorize`` has effects that cannot be undone: it counts a failure, or uses an assertion.

    Then the client is authenticated completely before. Otherwise the last of its replay checks may return together with what
    ``authorize`` reads.
    """
