"""What every grant type offers."""

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
    """Says who allowed which client what. Raises the errors of RFC 6749 section 5.2."""
    help: str = ""
    """What it gives, for who chooses grant types."""
    metadata: Callable[[Issuer], Mapping[str, object]] = _nothing
    """Members of discovery."""
    is_on: Callable[[Issuer], bool] = lambda _: True
    """Whether it is in discovery."""
    has_side_effects: bool = False
    """Whether ``authorize`` does what cannot be taken back (count a failure, use an assertion).

    Then the client must be certain before, where elsewhere the last bit of certainty may arrive with what ``authorize`` reads.
    """
