"""A request under a ticket of the decision API, until its caller decides: an authorization request, or a password."""

from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.binding import UNBOUND, Binding
from service.records.json import Record
from service.records.property import Property


class PasswordRequest(Record, frozen=True, omit_defaults=True, gc=False):
    """A token request with a password, without the password."""

    username: str
    scope: str | None = None  # None: the request names no scope
    resources: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()  # what the caller adds to the access token
    lifetime: int = 0  # of the access token in seconds; 0: the client's
    binding: Binding = UNBOUND  # what the tokens are to be bound to
    sealed_username: str = ""
    """The user name sealed under the ticket, where ``username`` is empty, as a password may have been entered there."""


class DecisionTicket(Record, frozen=True, omit_defaults=True, gc=False):
    """A waiting request: ``authorization``, ``password`` or CIBA. A ticket for one kind is none for another."""

    api_key: str  # of the only caller who may use it
    client_id: str
    presented: str  # how the client called itself
    client_generation: int  # of the client at the time of its request
    expects: str = ""  # the subject that the client named, as the client knows it; "": anybody
    authorization: AuthorizationRequest | None = None
    password: PasswordRequest | None = None
    pushed: str = ""  # hash of the secret in the request_uri that the request was pushed under; "": it was not
    sealed_backchannel: str = ""
    """A CIBA request sealed under the ticket, as it holds credentials and hints."""
    reference: str = ""
    """The reference of a CIBA request that waits for its user, "" until it does."""
    taken: str = ""
    """A random word of the call that used the ticket, so that only one of two concurrent calls has; "": unused."""
