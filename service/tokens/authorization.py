"""``Authorization``: what a grant type allows; and ``Issued``: the tokens that are issued for it."""

import msgspec

from service.hooks import NOTHING_ADDED, Added
from service.protocol.binding import UNBOUND, Binding
from service.protocol.requested import Granted
from service.protocol.token_exchange import TokenType
from service.records.access_token import Source
from service.records.grant import Grant
from service.records.property import Property
from service.tokens.spendable import Spendable


class Exchange(msgspec.Struct, frozen=True):
    """What other tokens are exchanged for (RFC 8693)."""

    issued_type: TokenType
    """The type of the token that is to be issued."""
    subject_type: TokenType
    subject_client_id: str
    """The client that the subject token was issued to, "" if a trusted issuer made it."""
    ends_at: int = 0
    """Epoch seconds at which the first of the exchanged tokens ends, 0 = never."""
    grant_id: str = ""
    """The grant that the new token belongs to, "" if it begins one."""
    sources: tuple[Source, ...] = ()
    issuer: str = ""
    """The authorization server that a JWT authorization grant is for, "" if it is none."""
    client_id: str = ""
    """The client_id of the client at that server."""
    resources: tuple[str, ...] = ()
    """The resources at that server."""

    @property
    def is_statement(self) -> bool:
        """Whether it is a JWT that is stored nowhere, and no access token."""
        return bool(self.issuer) or self.issued_type in (TokenType.ID_TOKEN, TokenType.ID_JAG)


class Authorization(msgspec.Struct, frozen=True):
    """The answer of a grant type: who allowed which client what."""

    grant: Grant
    granted: Granted
    """What the access token is for, within the grant."""
    spends: Spendable | None = None
    """The presented credential that is to be exchanged; None where the grant begins at the token endpoint."""
    added: Added = NOTHING_ADDED
    """Claims added by hooks."""
    address: str = ""
    """The address that the request came from, for hooks and the log."""
    lifetime: int = 0
    """Lifetime of the access token in seconds, 0 = as client and settings have it."""
    properties: tuple[Property, ...] = ()
    """Properties of the access token, in addition to the grant's."""
    binding: Binding = UNBOUND
    """What its tokens are bound to."""
    is_final: bool = False
    """Whether no refresh token may be issued."""
    exchange: Exchange | None = None
    """The token exchange, if it is one."""


def granted_by(grant: Grant) -> Granted:
    """Return everything that a grant allows."""
    return Granted(scope=grant.scope, audience=grant.audience, members=grant.members)


class Issued(msgspec.Struct, frozen=True):
    """What was issued: the response, and its parts for the decision API (AU-16 to AU-30).

    Ends are epoch seconds, 0 = never or none. Of a repeated response only ``content`` and ``grant`` are known.
    """

    content: bytes
    grant: Grant
    grant_id: str = ""
    access_hash: str = ""
    access_token: str = ""
    access_token_ends_at: int = 0
    refresh_token: str = ""
    refresh_token_ends_at: int = 0
    scope: str = ""
    audience: tuple[str, ...] = ()
    id_token: str = ""
    repeated: bool = False
    is_stateless: bool = False
