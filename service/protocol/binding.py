"""The binding of a token: to nothing, to a DPoP key (RFC 9449) or to a client certificate (RFC 8705)."""

import re
from collections.abc import Mapping

import msgspec

THUMBPRINT = re.compile(r"^[A-Za-z0-9_-]{43}$", re.ASCII)
"""A SHA-256 thumbprint in base64url."""


class Binding(msgspec.Struct, frozen=True, omit_defaults=True, rename={"jkt": "j", "x5t_s256": "x"}):
    """The confirmation of a token, as records store it. If both members are empty it is a bearer token."""

    jkt: str = ""
    """SHA-256 thumbprint of a DPoP key, base64url (RFC 9449 section 6.1)."""
    x5t_s256: str = ""
    """SHA-256 thumbprint of a client certificate, base64url (RFC 8705 section 3.1)."""

    @classmethod
    def of(cls, cnf: Mapping[str, str]) -> "Binding":
        """Return the binding of one of our ``cnf`` claims."""
        return cls(cnf.get("jkt", ""), cnf.get("x5t#S256", ""))

    @property
    def token_type(self) -> str:
        """``token_type`` of token responses and introspection, and the scheme of the Authorization header."""
        return "DPoP" if self.jkt else "Bearer"

    @property
    def cnf(self) -> dict[str, str]:
        """The members of the claim ``cnf`` (RFC 7800 section 3.1); empty for a bearer token."""
        members = {"jkt": self.jkt, "x5t#S256": self.x5t_s256}
        return {name: value for name, value in members.items() if value}

    @property
    def mark(self) -> str:
        """Return enough of it to distinguish it from others; empty for a bearer token."""
        return f"{self.jkt[:22]}~{self.x5t_s256[:22]}" if self.jkt or self.x5t_s256 else ""

    def has_mark(self, mark: str) -> bool:
        """Whether these keys include those of a stored mark."""
        jkt, _, x5t_s256 = mark.partition("~")
        return jkt in ("", self.jkt[:22]) and x5t_s256 in ("", self.x5t_s256[:22])

    def is_proved_by(self, proved: "Binding") -> bool:
        """Whether the proved keys include those that are needed."""
        return self.jkt in ("", proved.jkt) and self.x5t_s256 in ("", proved.x5t_s256)


UNBOUND = Binding()
"""The binding of a bearer token, which any client that has it may use."""
