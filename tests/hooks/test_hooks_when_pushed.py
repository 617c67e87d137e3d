"""A hook that fails at the end of a pushed authorization request (RFC 9126): the client hears of it, once."""

from tests.hooks.receiver import Receiver, hooked, saying
from tests.person import Person
from tests.pushing import come, pushed
from tests.redis_shapes import Shape
from tests.world import CALLBACK

AT_ONCE = {"response_type": "id_token", "code_challenge": "", "code_challenge_method": ""}
"""The hook is asked for claims at the end of the interaction, not where a code is redeemed."""


async def test_the_client_hears_that_a_hook_is_down(redis: Shape, receiver: Receiver) -> None:
    hook = {"url": receiver.url, "events": ["claims"], "on_failure": "refuse"}
    async with hooked(redis, {"crm": hook}) as world:
        await world.openid_client(response_types=("id_token",))
        await world.user()
        person = Person(world)
        uri = await pushed(world, **AT_ONCE)
        asked = await person.log_in(await come(person, uri))
        receiver.turn = saying(500)
        told = await person.agree(asked)
        assert (told.location.startswith(CALLBACK), told.error) == (True, "temporarily_unavailable")
        receiver.turn = None
        assert (await come(person, uri)).error == "invalid_request_uri", "an error is an end, too"
