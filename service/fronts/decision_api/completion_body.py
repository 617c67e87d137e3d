"""The decision of a user as reported by the caller: the common members for device and CIBA requests."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from service.fronts.decision_api.body import (
    NO_ID_TOKEN_HEADERS,
    OWN_LIFETIMES,
    AdditionsBody,
    JsonObject,
    Text,
    Words,
    one_of,
)
from service.fronts.decision_api.call import CallError
from service.fronts.decision_api.result_codes import ResultCode
from service.protocol.checked_types import Identifier, readable

AUTHORIZED, DENIED, FAILED = "AUTHORIZED", "ACCESS_DENIED", "TRANSACTION_FAILED"
_RESULTS = (AUTHORIZED, DENIED, FAILED)
_CLOCKS = 60
"""The most seconds by which a caller's clock may be ahead of ours."""


class CompletionBody(AdditionsBody):
    """The decision of the user. Members that would change tokens in an unsupported way are refused."""

    result: Annotated[str, one_of(_RESULTS)]
    subject: Identifier | None = None
    """The user; may be left out where the request names the user, or was not allowed."""
    sub: Identifier | None = None
    auth_time: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Epoch seconds; 0: unknown."""
    acr: Annotated[str, Field(max_length=255), AfterValidator(readable)] = ""
    claims: JsonObject = Field(default_factory=dict)
    scopes: Words | None = None
    """The scopes that the user allowed; left out: all requested ones."""
    idt_header_params: Text = ""
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        **AdditionsBody.UNSUPPORTED,
        "idt_header_params": NO_ID_TOKEN_HEADERS,
        "access_token_duration": OWN_LIFETIMES,
    }

    def check(self, now: float) -> None:
        """Check what the types of members do not.

        Args:
            now: Epoch seconds.

        Raises:
            CallError: A member is not supported, or the login is in the future.
        """
        self.check_supported()
        if self.auth_time > now + _CLOCKS:
            raise CallError(ResultCode.MALFORMED, "authTime: is in the future; it is in seconds, not milliseconds.")
