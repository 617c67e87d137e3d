"""Doing something to an issuer that is opened for it and closed after it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from getpass import getuser
from socket import gethostname
from typing import Any, TypeVar

from service.admin.audit import Actor, Way, acting
from service.app import open_issuer
from service.cli.exits import redis_explained
from service.cli.output import busy
from service.issuer import Issuer
from service.observe import log
from service.settings import Settings, load

_Result = TypeVar("_Result")

IDS_MAY_BEGIN_WITH_A_DASH = {"ignore_unknown_options": True}
"""Of a command that takes an id of ours: it is base64url, and must not be taken for an option."""


def loaded(**given: Any) -> Settings:
    """The settings; options that were left out (None) don't count. Raises SettingsError."""
    return load(**{name: value for name, value in given.items() if value is not None})


def act(work: Callable[[Issuer], Awaitable[_Result]], waiting: str = "") -> _Result:
    """What ``work`` returns. ``waiting``: what to show meanwhile on a terminal, where it may take its time.

    Raises what ``work`` does, SettingsError, RedisUnusableError.
    """
    settings = loaded()
    log.configure("WARNING", "text")

    async def inside() -> _Result:
        async with open_issuer(settings, listen=False) as issuer:
            with acting(Actor(_account(), Way.CLI, gethostname())):
                return await work(issuer)

    with redis_explained(settings), busy(waiting):
        return asyncio.run(inside())


def _account() -> str:
    """Who runs the command; in a container the number may have no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
