"""An authorization code, by its hash (RFC 6749 section 4.1.2, IA-09)."""

from service.records.json import Record


class AuthorizationCode(
    Record,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={
        "redirect_uri": "r",
        "redirect_uri_given": "rg",
        "code_challenge": "k",
        "code_challenge_method": "m",
        "nonce": "n",
        "beside": "b",
    },
):
    """What the token request must prove."""

    redirect_uri: str | None = None  # where the code was sent
    redirect_uri_given: bool = False
    """Whether the authorization request named it, so that the token request must, too."""
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    nonce: str | None = None  # OpenID Connect Core 3.1.2.1
    beside: bool = False
    """Whether an access token was issued together with the code: the grant must outlive it."""
