"""How guesses of passwords and secrets are slowed down, and what hashing a password costs."""

from typing import Annotated

from pydantic import Field

from service.settings.group import Attempts, Lifetime, SettingsGroup, Timeout, Unit


class Guessing(SettingsGroup):
    """Failed attempts and password hashing."""

    client_failures_allowed: Attempts = Field(
        20, description="Failed authentications of a client from one address before delays begin."
    )
    user_failures_allowed: Attempts = Field(
        5, description="Wrong passwords for a user from one network before delays begin."
    )
    user_failures_allowed_anywhere: Attempts = Field(
        100, description="Wrong passwords for a user from all networks together before delays begin."
    )
    address_failures_allowed: Attempts = Field(50, description="Wrong passwords from one address before delays begin.")
    failure_first_delay: Lifetime = Field(
        1, description="First delay in seconds. It doubles with every further failure."
    )
    failure_longest_delay: Lifetime = Field(900, description="Longest delay in seconds, where the doubling ends.")
    failure_memory: Lifetime = Field(
        900, description="Seconds after the last failure until the failures are forgotten."
    )
    argon2_memory: Annotated[int, Field(ge=64), Unit("KiB")] = Field(
        19456, description="Memory in KiB that hashing a password takes (OWASP: 19456)."
    )
    argon2_iterations: Attempts = Field(2, description="Number of passes over that memory.")
    argon2_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        2, description="Number of passwords that are hashed side by side."
    )
    argon2_queue: Attempts = Field(
        500,
        description="Maximum number of passwords of a group (known users, others, clients and so on) that wait to be hashed. "
        "Further requests are answered 503.",
    )
    argon2_wait: Timeout = Field(
        10.0, description="Seconds that a password may wait to be hashed. Then the answer is 503."
    )
