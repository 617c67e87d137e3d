"""An authorization code, by its hash (RFC 6749 section 4.1.2, IA-09)."""

from msgspec import field

from service.protocol.binding import UNBOUND, Binding
from service.records.json import Record


class AuthorizationCode(Record, frozen=True, omit_defaults=True, gc=False):
    """What the token request must match."""

    redirect_uri: str | None = field(default=None, name="r")  # where the code was sent
    redirect_uri_given: bool = field(default=False, name="rg")
    """Whether the authorization request named the redirect URI, so that the token request must, too."""
    code_challenge: str | None = field(default=None, name="k")
    code_challenge_method: str | None = field(default=None, name="m")
    nonce: str | None = field(default=None, name="n")  # OpenID Connect Core 3.1.2.1
    with_access_token: bool = field(default=False, name="b")
    """Whether an access token was issued together with the code: the grant must outlive it."""
    binding: Binding = field(default=UNBOUND, name="cn")
    """The key that the authorization request named (RFC 9449 section 10)."""
