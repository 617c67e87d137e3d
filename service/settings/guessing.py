"""Delays after wrong passwords and secrets, and the cost of hashing a password."""

from typing import Annotated

from pydantic import Field

from service.settings.group import Attempts, Lifetime, SettingsGroup, Timeout, Unit


class GuessingSettings(SettingsGroup):
    """Failed attempts and password hashing."""

    client_failures_allowed: Attempts = 20
    """Failed authentications of a client from one address before delays begin."""
    user_failures_allowed: Attempts = 5
    """Wrong passwords for a user from one network before delays begin."""
    user_failures_allowed_anywhere: Attempts = 100
    """Wrong passwords for a user from all networks together before delays begin."""
    address_failures_allowed: Attempts = 50
    """Wrong passwords from one address before delays begin."""
    user_code_failures_allowed: Attempts = 5
    """Wrong codes of devices, of one user or browser, before delays begin. Of one address: address_failures_allowed."""
    user_code_failures_allowed_anywhere: Attempts = 1000
    """Wrong codes of devices from all networks together before only users who are signed in may enter one."""
    failure_first_delay: Lifetime = 1
    """First delay in seconds. It doubles with every further failure."""
    failure_longest_delay: Lifetime = 900
    """Longest delay in seconds, where the doubling ends."""
    failure_memory: Lifetime = 900
    """Seconds after the last failure until the failures are forgotten."""
    argon2_memory: Annotated[int, Field(ge=64, le=4_194_304), Unit("KiB")] = 19456
    """Memory in KiB that hashing a password takes (OWASP: 19456)."""
    argon2_iterations: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of passes over that memory."""
    argon2_threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Number of passwords that are hashed side by side."""
    argon2_queue: Attempts = 500
    """Maximum number of passwords of a group (known users, others, clients and so on) that wait to be hashed. Further requests
    are answered 503."""
    argon2_wait: Timeout = 10.0
    """Seconds that a password may wait to be hashed. Then the answer is 503."""
