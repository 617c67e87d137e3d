"""``mintmark statistics``: how much there is and how Redis is."""

from service.admin.operations import statistics as operations
from service.cli.acting import do
from service.cli.listing import LOOKING
from service.cli.output import Json, emit, facts, say


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
    facts({name: value for name, value in numbers.items() if name != "sampled_every_seconds"})
    facts({f"redis {name.replace('_', ' ')}": value for name, value in redis.items()})
    facts({f"grants of {client_id}": count for client_id, count in grants["by_client"].items()})
    how = "counted" if grants["exact"] else f"estimated, give or take {grants['margin']}"
    say(f"Live grants: {grants['total']} ({how}).")
