"""Whether a Redis can be used, checked when the store is opened: its kind and version, our rights, what it keeps."""

import logging
import time
from dataclasses import dataclass

from service.observe.events import Event
from service.redis.address import Address
from service.redis.errors import ReplyError, kind_of
from service.redis.link import Link
from service.settings import Settings
from service.settings.redis_url import Topology
from service.store.keys import Keys
from service.store.persistence import CURE, Replay, look_at_replay
from service.store.rights import look_for_missing, missing_optional

log = logging.getLogger(__name__)

OLDEST = (6, 2)
"""The oldest version that has the commands we need: EXAT, ZADD GT."""
CLOCKS_MAY_DIFFER = 2
"""Seconds: a larger difference between our clock and that of Redis is logged."""
_PROBED = 64


class StoreUnfitError(Exception):
    """This Redis cannot be used: the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    """The checks of each primary."""

    address: Address
    keys: Keys
    settings: Settings
    listens: bool
    """Whether a service starts, rather than a command that ends at once."""

    async def __call__(self, link: Link) -> None:
        """Check this Redis, and log what does no harm at once. Raises StoreUnfitError, LinkLostError, ReplyError."""
        await self._kind(link)
        self._version(link)
        await self._rights(link)
        await _clock(link)
        facts = await _facts(link)
        _policy(link, facts)
        await self._replay(link, facts)
        await _replicas(link, self.settings.redis_wait_replicas)

    async def _kind(self, link: Link) -> None:
        """Refuse a server of another kind: a Sentinel, or a node of a Cluster, which holds only some of the keys."""
        if link.mode == "sentinel":
            raise StoreUnfitError(
                f"{link.endpoint} is a Sentinel, no server with data: redis_url is redis+sentinel://host,host/service there"
            )
        if link.mode != "cluster" or self.address.topology is Topology.CLUSTER:
            return
        for number in range(_PROBED):
            try:
                await link.send(["EXISTS", self.keys.probe(number)])
            except ReplyError as error:
                if kind_of(error) == "MOVED":
                    raise StoreUnfitError(
                        f"{link.endpoint} is one of several servers of a Cluster: redis_url is redis+cluster://host,host there"
                    ) from error

    def _version(self, link: Link) -> None:
        if link.version < OLDEST:
            version, oldest = (".".join(map(str, number)) for number in (link.version, OLDEST))
            raise StoreUnfitError(f"Redis {version} at {link.endpoint} is too old: {oldest} or newer is needed")

    async def _rights(self, link: Link) -> None:
        waits = self.settings.redis_wait_replicas > 0
        missing = await look_for_missing(self.address, link, self.keys, listens=self.listens, waits=waits)
        user = self.address.login.username or "default"
        if missing:
            rules = missing.rules(self.keys.everything)
            raise StoreUnfitError(
                f"The user {user!r} of Redis at {link.endpoint} may not do what the service needs: {missing}.\n"
                f"This gives it, on every server: ACL SETUSER {user} {rules} (docs/how-to/redis.md lists all that is needed)"
            )
        if not self.listens:
            return
        for name, cost in (await missing_optional(link)).items():
            hint = f"without it {cost}; ACL SETUSER {user} +{name} gives it"
            _warn(Event.REDIS_RIGHT_MISSING, link, hint, command=name)

    async def _replay(self, link: Link, facts: dict[str, str]) -> None:
        """Check that a restart of Redis cannot bring back a revoked token."""
        found = await look_at_replay(link, facts, self.keys.everything)
        if found is Replay.SAFE:
            return
        loses = (
            f"Redis at {link.endpoint} keeps an append-only file and does again at its start what is in it with the rights of "
            "the user 'default', which may not do it: a restart would bring back what was revoked"
        )
        cure = f"{CURE} mends it at once (the user may stay off); write it into the ACL file or configuration, too"
        if found is Replay.UNKNOWN:
            if not self.listens:  # the service logs it once; a command would at each call
                return
            hint = (
                "ACL GETUSER default is not allowed; where that user's rights were taken away, a restart of Redis brings back "
                f"what was revoked: {cure}"
            )
            _warn(Event.REDIS_REPLAY_UNKNOWN, link, hint)
        elif self.settings.redis_allow_lossy_replay:
            _warn(Event.REDIS_REPLAY_INCOMPLETE, link, f"{loses}. {cure}")
        else:
            raise StoreUnfitError(f"{loses}.\n{cure}. To start all the same: redis_allow_lossy_replay = true.")


async def crosses_slots(link: Link, keys: Keys) -> bool:
    """Whether a script may touch keys of different slots: not in a Cluster, also where one server, or a proxy, is all of it.

    A script tries it, as proxies such as Redis Enterprise's split plain commands (EXISTS, DEL, MGET) among their servers.
    Raises LinkLostError.
    """
    try:
        await link.send(["EVAL", "return 1", 2, keys.probe(0), keys.probe(1)])
    except ReplyError:
        return False
    return True


def _warn(event: Event, link: Link, hint: str, **facts: object) -> None:
    log.warning(event, extra={"server": str(link.endpoint), **facts, "hint": hint})


async def _clock(link: Link) -> None:
    seconds = int((await link.send(["TIME"]))[0]) - int(time.time())
    if abs(seconds) > CLOCKS_MAY_DIFFER:
        hint = "lifetimes are written as absolute times: codes and tokens end early or late by as much; use NTP"
        _warn(Event.CLOCKS_DIFFER, link, hint, redis_is_ahead_by_seconds=seconds)


async def _facts(link: Link) -> dict[str, str]:
    """Return the reply to INFO; where that is not allowed, CONFIG GET in the form of INFO; empty where neither is."""
    try:
        text = (await link.send(["INFO"])).decode("utf-8", "replace")
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    except ReplyError:
        pass
    try:
        _, policy = await link.send(["CONFIG", "GET", "maxmemory-policy"])
        _, kept = await link.send(["CONFIG", "GET", "appendonly"])
    except (ReplyError, ValueError):
        return {}
    return {"maxmemory_policy": policy.decode(), "aof_enabled": "1" if kept == b"yes" else "0"}


def _policy(link: Link, facts: dict[str, str]) -> None:
    policy = facts.get("maxmemory_policy")
    if policy is None:
        hint = "neither INFO nor CONFIG GET is allowed: whether Redis may evict, and what a restart brings back, cannot be seen"
        _warn(Event.REDIS_POLICY_UNKNOWN, link, hint)
    elif policy != "noeviction":
        hint = "set maxmemory-policy noeviction: otherwise Redis may drop living tokens and used-token marks"
        _warn(Event.REDIS_MAY_EVICT, link, hint, policy=policy)


async def _replicas(link: Link, wanted: int) -> None:
    """Log a number of replicas that makes every wait for them fail."""
    if not wanted:
        return
    there = int(await link.send(["WAIT", wanted, 1]))
    if there < wanted:
        hint = "codes, refreshes and revocations are 503 until as many replicas as redis_wait_replicas are in sync"
        _warn(Event.TOO_FEW_REPLICAS, link, hint, in_touch=there, wanted=wanted)
