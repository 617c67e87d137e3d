"""Settings of every service under test: a cheap argon2, and long timeouts for Redis on a busy machine."""

from typing import Any

# A verdict must not hang on a clock: a test about a Redis that does not answer says itself how long it waits.
AS_TESTED: dict[str, Any] = {
    "argon2_memory": 64,
    "argon2_iterations": 1,
    "redis_timeout": 10,
    "redis_connect_timeout": 10,
}
VARIABLES = {f"MINTMARK_{name.upper()}": str(value) for name, value in AS_TESTED.items()}
