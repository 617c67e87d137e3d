"""What a token is bound to: nothing, a DPoP key (RFC 9449) or a client certificate (RFC 8705)."""

import msgspec


class Binding(msgspec.Struct, frozen=True):
    """A confirmation of whoever presents a token. Both members empty: a bearer token."""

    jkt: str = ""
    """SHA-256 thumbprint of a DPoP key, base64url (RFC 9449 section 6.1)."""
    x5t_s256: str = ""
    """SHA-256 thumbprint of a client certificate, base64url (RFC 8705 section 3.1)."""

    @property
    def token_type(self) -> str:
        """``token_type`` of token responses and introspection, and the scheme of the Authorization header."""
        return "DPoP" if self.jkt else "Bearer"

    @property
    def cnf(self) -> dict[str, str]:
        """Members of the claim ``cnf`` (RFC 7800 section 3.1); empty for a bearer token."""
        members = {"jkt": self.jkt, "x5t#S256": self.x5t_s256}
        return {name: value for name, value in members.items() if value}


UNBOUND = Binding()
"""A bearer token's: whoever has the token may use it."""
