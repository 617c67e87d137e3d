"""Operations on initial access tokens (RFC 7591), which let clients register."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from service.admin import registration as admin
from service.admin.operations.operation import Operation, Output
from service.issuer import Issuer
from service.protocol.checked_types import Number
from service.store.initial_access_tokens import UNLIMITED


class InitialAccessToken(Output[dict[str, Any]]):
    """An initial access token, shown only this once."""

    initial_access_token: str
    uses: int
    lifetime: int
    registration: Annotated[
        Literal["off", "initial_access_token", "open"],
        Field(description="The setting: where it is off, the token is of no use yet."),
    ]


def _uses(number: int) -> int:
    if number < 1 and number != UNLIMITED:
        raise ValueError(f"must be at least 1, or {UNLIMITED} for any number")
    return number


async def _create(
    issuer: Issuer,
    uses: Annotated[
        Number,
        Field(
            le=1_000_000_000,
            description="How many clients it may register, -1 = any number.",
            json_schema_extra={"minimum": UNLIMITED},
        ),
        AfterValidator(_uses),
    ] = 1,
    lifetime: Annotated[Number, Field(ge=1, le=2_147_483_647, description="Seconds.")] = 86400,
) -> dict[str, Any]:
    made = await admin.create_initial_access_token(issuer, uses=uses, lifetime=lifetime)
    token = {"initial_access_token": made, "uses": uses, "lifetime": lifetime}
    return token | {"registration": issuer.settings.registration}


CREATE_TOKEN = Operation(
    "registration.create_token",
    "Make an initial access token: its holder may register clients. It is shown now only.",
    _create,
    InitialAccessToken,
)
