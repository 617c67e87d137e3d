"""Lua scripts called by name on a Redis, with what their contract names, and what they leave there."""

import re
from typing import Any

import redis

from service.redis.script import SCRIPTS
from tests.patience import PATIENCE

FOR_EVER = -1
GONE = -2


class Acts:
    """One Redis. Keys are called as in the scripts' contracts, times are seconds from now."""

    def __init__(self, server: redis.Redis) -> None:
        self.server = server
        self.now = int(server.time()[0])
        self._channel = server.pubsub()
        self._channel.subscribe("mm:ended")
        self._channel.get_message(timeout=PATIENCE)

    def __call__(self, name: str, **given: str | int) -> Any:
        """Run a script; the word that it answers, or a list that begins with it. What is not given is empty."""
        [text] = [one.plain_text for one in SCRIPTS if one.name == name]
        keys, arguments = _named(text, "KEYS"), _named(text, "ARGV")
        assert set(given) <= {*keys, *arguments}, name
        values = [given.get(argument, "") for argument in arguments]
        return _readable(
            self.server.eval(text, len(keys), *(key_of(str(given.get(key, key))) for key in keys), *values)
        )

    def at(self, seconds: int) -> int:
        """The second of the epoch so many seconds from now."""
        return self.now + seconds

    def put(self, name: str, value: str, seconds: int = FOR_EVER) -> None:
        """Set a key that ends after so many seconds."""
        self.server.set(key_of(name), value)
        if seconds != FOR_EVER:
            self.server.expireat(key_of(name), self.at(seconds))

    def held(self, name: str) -> str | None:
        """The text under a key."""
        value = self.server.get(key_of(name))
        return None if value is None else str(_readable(value))

    def ends(self, name: str) -> int:
        """After how many seconds a key ends; ``FOR_EVER``, ``GONE``."""
        together = self.server.pipeline()  # at one moment: a slow machine may need half a second between two commands
        together.pttl(key_of(name))
        together.time()
        left, (seconds, micros) = together.execute()
        if left < 0:
            return int(left)
        return int(round(seconds + micros / 1_000_000 + left / 1000) - self.now)

    def scores(self, name: str) -> dict[str, float]:
        """The members of a sorted set with their scores; those that are times as seconds from now."""
        found: Any = self.server.zrange(key_of(name), 0, -1, withscores=True)
        return {member.decode(): score - self.now if 0 < score < 1e18 else score for member, score in found}

    def names(self) -> set[str]:
        """The keys that there are."""
        return {_readable(key).partition(":")[2].partition(":")[2] for key in self.server.keys("*")}

    def heard(self) -> list[str]:
        """What resource servers were told to have ended since the last look."""
        self.server.publish("mm:ended", "all so far")
        found = []
        while (heard := _readable(self._channel.get_message(timeout=PATIENCE)["data"])) != "all so far":
            found.append(heard.partition(":")[2].partition(":")[2])
        return found


def key_of(name: str) -> str:
    """The key in the one slot that a script works in."""
    return f"mm:{{x}}:{name}"


def _named(text: str, array: str) -> list[str]:
    found = re.search(rf"^-- {array}  (.+)$", text, flags=re.MULTILINE)
    assert found
    return [name for name in found[1].split(", ") if name != "-"]


def _readable(reply: Any) -> Any:
    if isinstance(reply, list):
        return [_readable(one) for one in reply]
    return reply.decode() if isinstance(reply, bytes) else reply
