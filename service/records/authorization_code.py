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
    """What the token request must prove. ``redirect_uri``: where the code was sent; ``redirect_uri_given``: whether the
    authorization request named it, so that the token request must too; ``nonce``: of OpenID Connect; ``beside``: whether the
    grant has issued an access token beside the code, which the grant must outlive.
    """

    redirect_uri: str | None = None
    redirect_uri_given: bool = False
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    nonce: str | None = None
    beside: bool = False
