"""``mintmark statistics``: numbers of records and requests, and the state of Redis."""

from collections.abc import Mapping
from typing import Any

from service.admin.operations import statistics as operations
from service.cli.acting import do
from service.cli.json_output import Json, emit
from service.cli.listing import LOOKING
from service.cli.output import facts, say


def statistics(json: Json = False) -> None:
    """Show how much the service does, live grants by client, and how Redis is.

    Example: `mintmark statistics`

    Example: `mintmark --url http://127.0.0.1:8081 statistics`

    Rates are known to a running service only (`--url`): here they are left out.
    """
    numbers = do(operations.SHOW, LOOKING)
    if json:
        emit(numbers)
        return
    redis, grants = numbers.pop("redis"), numbers.pop("grants")
    rates = {name: value for name, value in numbers.items() if name != "sampled_every_seconds" and value is not None}
    facts({name.replace("_", " "): round(value, 2) for name, value in rates.items()})
    facts({f"redis {name.replace('_', ' ')}": "not known" if value is None else value for name, value in redis.items()})
    facts({f"grants of {client_id}": count for client_id, count in grants["by_client"].items()})
    if None in redis.values():
        say("What is not known the Redis user may not ask: +info +dbsize give it (docs/how-to/redis.md).")
    say(f"Live grants: {grants['total']} ({_how(grants)}).")


def _how(grants: Mapping[str, Any]) -> str:
    if grants["exact"]:
        return "counted"
    if grants["margin"] is None:
        return f"at least: found among {grants['scanned']} keys; how many there are is not known"
    return f"estimated, give or take {grants['margin']}"
