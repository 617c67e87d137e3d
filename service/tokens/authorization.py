"""``Authorization``: what a grant type allows; and ``Issued``: the tokens that come of it."""

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
    """What the tokens say that others are exchanged for (RFC 8693)."""

    issued_type: TokenType
    """Of the token that is to be issued."""
    subject_type: TokenType
    subject_client_id: str
    """The client that the subject token was issued to, "" = a trusted issuer made it."""
    ends_at: int = 0
    """Epoch seconds at which the first of them ends, 0 = never."""
    grant_id: str = ""
    """The grant that the new token lives under, "" = it begins one."""
    sources: tuple[Source, ...] = ()
    issuer: str = ""
    """The authorization server that a JWT authorization grant is for, "" = it is none."""
    client_id: str = ""
    """Of the client there."""
    resources: tuple[str, ...] = ()
    """There."""

    @property
    def is_statement(self) -> bool:
        """Whether it is a JWT that is kept nowhere, and no access token."""
        return bool(self.issuer) or self.issued_type in (TokenType.ID_TOKEN, TokenType.ID_JAG)


class Authorization(msgspec.Struct, frozen=True):
    """Who allowed which client what: the answer of a grant type."""

    grant: Grant
    granted: Granted
    """What the access token is for, within the grant."""
    spends: Spendable | None = None
    """What was presented and is now to be exchanged; None where the grant begins at the token endpoint."""
    added: Added = NOTHING_ADDED
    """By hooks."""
    address: str = ""
    """Where the request came from, for hooks and the log."""
    lifetime: int = 0
    """Of the access token in seconds, 0 = as client and settings have it."""
    properties: tuple[Property, ...] = ()
    """Of the access token, beside the grant's."""
    binding: Binding = UNBOUND
    """What its tokens are bound to."""
    is_final: bool = False
    """Whether a refresh token must not come of it."""
    exchange: Exchange | None = None
    """Where other tokens are exchanged for its tokens."""


def granted_by(grant: Grant) -> Granted:
    """All that a grant allows."""
    return Granted(scope=grant.scope, audience=grant.audience, members=grant.members)


class Issued(msgspec.Struct, frozen=True):
    """What was issued: the ready-made response, and its parts for the decision API (AU-16 to AU-30).

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
