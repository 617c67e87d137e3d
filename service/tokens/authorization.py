"""What a grant type answers with, and what comes of it."""

import msgspec

from service.hooks import NOTHING_ADDED, Added
from service.protocol.binding import UNBOUND, Binding
from service.records.grant import Grant
from service.records.property import Property
from service.tokens.spendable import Spendable


class Authorization(msgspec.Struct, frozen=True):
    """Who allowed which client what: the answer of a grant type.

    ``scope`` and ``audience``: of the access token, within the grant's; ``spends``: the credential that was presented
    and is now to be exchanged, None where the grant begins at the token endpoint. ``added``: by hooks;
    ``address``: of whom it is issued to, for them and for the log, where it is known. By a caller of the decision API:
    ``lifetime`` of the access token in seconds, 0 = as client and settings have it, and its ``properties``, beside the grant's.
    """

    grant: Grant
    scope: str
    audience: tuple[str, ...]
    spends: Spendable | None = None
    added: Added = NOTHING_ADDED
    address: str = ""
    lifetime: int = 0
    properties: tuple[Property, ...] = ()
    binding: Binding = UNBOUND
    """What its tokens are bound to."""


class Issued(msgspec.Struct, frozen=True):
    """What was issued: the ready-made response, and its parts for the decision API (AU-16 to AU-30).

    ``…_ends_at``: epoch seconds, 0 = never or none. Of a repeated response only ``content`` and ``grant`` are known.
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
