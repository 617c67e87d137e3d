"""A CIBA request until its user decides, and the notification of its client then."""

import msgspec

from service.protocol.names import DeliveryMode
from service.records.json import Record
from service.records.polled_request import PolledRequest


class WaitingBackchannelRequest(PolledRequest, frozen=True, omit_defaults=True, gc=False):
    """The request, its user, and how the client is notified. Sealed in Redis, as it holds credentials."""

    subject: str = ""
    """The user who is asked; "" where a caller of the decision API knows it."""
    username: str = ""
    expects: str = ""
    """The subject that the client named, as it knows them, "" = anybody."""
    binding_message: str = ""
    """The text that both devices show."""
    started_at: int = 0
    """Epoch seconds."""
    mode: DeliveryMode = DeliveryMode.POLL
    auth_req_id: str = ""
    """The credential in its notification; "" where it polls."""
    notification_token: str = ""
    """The bearer token by which it is notified; "" where it polls."""
    expiry_notification: str = msgspec.field(default="", name="expiry_notice")
    """The id of the delivery that reports the expiry; "" where the client finds out at its next poll."""
    api_key: str = ""
    """The name of the caller of the decision API that notifies the client, "" = we do."""


class BackchannelDelivery(Record, frozen=True, omit_defaults=True, gc=False):
    """A notification, or tokens, on their way to a client."""

    client_id: str
    sealed: str
    """A sealed ``BackchannelNotification``."""
    ends_at: int
    """Epoch seconds after which it is of no use."""
    attempts: int = 0
    """Failed attempts so far."""


class BackchannelNotification(Record, frozen=True, omit_defaults=True, gc=False):
    """The content of a delivery: sealed, as it is made of credentials."""

    mode: DeliveryMode
    auth_req_id: str
    token: str
    """The bearer token that the client named."""
    content: str = ""
    """The body to post, as JSON; "" until it is known."""
