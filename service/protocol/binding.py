"""What a token is bound to: nothing, a DPoP key (RFC 9449) or a client certificate (RFC 8705)."""

import re
from collections.abc import Mapping

import msgspec

THUMBPRINT = re.compile(r"^[A-Za-z0-9_-]{43}$", re.ASCII)
"""SHA-256, base64url."""


class Binding(msgspec.Struct, frozen=True, omit_defaults=True, rename={"jkt": "j", "x5t_s256": "x"}):
    """A confirmation of the client that presents a token, as records keep it. Both members empty: a bearer token."""

    jkt: str = ""
    """SHA-256 thumbprint of a DPoP key, base64url (RFC 9449 section 6.1)."""
    x5t_s256: str = ""
    """SHA-256 thumbprint of a client certificate, base64url (RFC 8705 section 3.1)."""

    @classmethod
    def of(cls, cnf: Mapping[str, str]) -> "Binding":
        """The binding that a claim ``cnf`` of ours stands for."""
        return cls(cnf.get("jkt", ""), cnf.get("x5t#S256", ""))

    @property
    def token_type(self) -> str:
        """``token_type`` of token responses and introspection, and the scheme of the Authorization header."""
        return "DPoP" if self.jkt else "Bearer"

    @property
    def cnf(self) -> dict[str, str]:
        """Members of the claim ``cnf`` (RFC 7800 section 3.1); empty for a bearer token."""
        members = {"jkt": self.jkt, "x5t#S256": self.x5t_s256}
        return {name: value for name, value in members.items() if value}

    @property
    def mark(self) -> str:
        """Return enough of it to distinguish it from others; empty for a bearer token."""
        return f"{self.jkt[:22]}~{self.x5t_s256[:22]}" if self.jkt or self.x5t_s256 else ""

    def has_mark(self, mark: str) -> bool:
        """Tell whether these are the keys, at least, of which only the mark is left."""
        jkt, _, x5t_s256 = mark.partition("~")
        return jkt in ("", self.jkt[:22]) and x5t_s256 in ("", self.x5t_s256[:22])

    def is_proved_by(self, proved: "Binding") -> bool:
        """Tell whether who shows these keys holds those that are needed."""
        return self.jkt in ("", proved.jkt) and self.x5t_s256 in ("", proved.x5t_s256)


UNBOUND = Binding()
"""A bearer token's: any client that has the token may use it."""
