"""What waits under a ticket of the decision API until its caller says how it went: an authorization, or a password."""

from service.protocol.authorization_request import AuthorizationRequest
from service.records.json import Record
from service.records.property import Property


class PasswordRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """A token request with a password, all but the password. ``scope``: None where none was asked for; ``properties`` and
    ``lifetime`` (seconds, 0 = the client's): what the caller adds to the access token. ``sealed_username``: the user name under
    the ticket, where ``username`` is empty: a password may have been typed there.
    """

    username: str
    scope: str | None = None
    resources: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()
    lifetime: int = 0
    sealed_username: str = ""


class DecisionTicket(Record, frozen=True, omit_defaults=True, gc=False):
    """``api_key``: of the only caller who may use it; ``presented``: how the client called itself; ``client_generation``: of
    the client when it asked; ``expects``: the subject that the client named, as it knows them, "" = anybody;
    ``authorization`` or ``password``: one of the two, and a ticket for one is none for the other; ``taken``: "" until it is
    used, then a random word of whoever used it, so that of two who do so at once only one has.
    """

    api_key: str
    client_id: str
    presented: str
    client_generation: int
    expects: str = ""
    authorization: AuthorizationRequest | None = None
    password: PasswordRequest | None = None
    taken: str = ""
