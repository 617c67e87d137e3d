"""Back-channel authentication requests (OpenID Connect CIBA): their lifetime, and the notification of clients."""

from typing import Annotated

from pydantic import Field

from service.protocol.names import DeliveryMode
from service.settings.group import Attempts, SettingsGroup, Unit


class BackchannelSettings(SettingsGroup):
    """Back-channel authentication (CIBA)."""

    backchannel_delivery_modes: tuple[DeliveryMode, ...] = (DeliveryMode.POLL, DeliveryMode.PING)
    """How clients may get tokens that they ask for without a browser (CIBA): poll, ping, push. With push the tokens travel
    to an address of the client's; FAPI forbids it. None: CIBA is off."""
    backchannel_lifetime: Annotated[int, Field(ge=10, le=3600), Unit("seconds")] = 120
    """Seconds that a CIBA request waits for its user, where the client does not say how long (requested_expiry)."""
    backchannel_longest_lifetime: Annotated[int, Field(ge=10, le=86400), Unit("seconds")] = 900
    """Maximum number of seconds that a client may let a CIBA request wait."""
    backchannel_interval: Annotated[int, Field(ge=1, le=60), Unit("seconds")] = 5
    """Seconds that a client waits between two polls for a CIBA request. Faster polls get the error slow_down."""
    backchannel_waiting_most: Attempts = 10
    """Maximum number of CIBA requests of one client that wait for the same user at once."""
    backchannel_attempts: Annotated[int, Field(ge=1, le=20)] = 6
    """Maximum number of attempts to notify a client of the end of a CIBA request, or to deliver its tokens, while the request
    lives. The pause between them doubles from 2 seconds on."""
