"""A CIBA request while its user has not decided, and what its client is to be notified of then."""

import msgspec

from service.protocol.names import DeliveryMode
from service.records.json import Record
from service.records.polled_request import PolledRequest


class WaitingBackchannelRequest(PolledRequest, frozen=True, omit_defaults=True, gc=False):
    """What is asked of whom, and how the client hears of the end. In Redis it is sealed: it holds credentials."""

    subject: str = ""
    """The user who is asked; "" where a caller of the decision API knows it."""
    username: str = ""
    expects: str = ""
    """The subject that the client named, as it knows them, "" = anybody."""
    binding_message: str = ""
    """What both devices show."""
    started_at: int = 0
    """Epoch seconds."""
    mode: DeliveryMode = DeliveryMode.POLL
    auth_req_id: str = ""
    """What the client is notified with; "" where it polls."""
    notification_token: str = ""
    """The bearer token by which it is notified; "" where it polls."""
    expiry_notification: str = msgspec.field(default="", name="expiry_notice")
    """The id of the delivery that reports the expiry; "" where the client finds out at its next poll."""
    api_key: str = ""
    """Of the caller of the decision API who notifies the client, "" = we do."""


class BackchannelDelivery(Record, frozen=True, omit_defaults=True, gc=False):
    """A notification, or tokens, on their way to a client."""

    client_id: str
    sealed: str
    """A sealed ``BackchannelNotification``."""
    ends_at: int
    """Epoch seconds after which nobody needs it."""
    attempts: int = 0
    """That failed so far."""


class BackchannelNotification(Record, frozen=True, omit_defaults=True, gc=False):
    """What is delivered: sealed, for it is made of credentials."""

    mode: DeliveryMode
    auth_req_id: str
    token: str
    """The bearer token that the client named."""
    content: str = ""
    """What is posted, as JSON; "" until it is known."""
