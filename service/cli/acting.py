"""Performing operations: on an issuer that is opened for the command, or by the admin API of a running service.

Commands name the operation and its input. The place is chosen here, so that each command is written once.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from getpass import getuser
from socket import gethostname
from typing import Any, TypeVar

import orjson

from service.admin.actor import Actor
from service.admin.operations import AnyOperation, Do, perform
from service.app import open_issuer
from service.cli import remote
from service.cli.exits import redis_explained
from service.cli.loading import loaded
from service.cli.output import busy
from service.issuer import Issuer
from service.observe import log
from service.records.audit_entry import Way

_Result = TypeVar("_Result")

IDS_MAY_BEGIN_WITH_A_DASH = {"ignore_unknown_options": True}
"""The context settings of a command with an id as argument: the id is base64url, and must not be read as an option."""


def do(operation: AnyOperation, waiting: str = "", **given: object) -> dict[str, Any]:
    """Perform one operation. Raises what ``act`` does."""
    return act(lambda perform: perform(operation, given), waiting)


def act(work: Callable[[Do], Awaitable[_Result]], waiting: str = "") -> _Result:
    """Return what ``work`` returns; a terminal shows the text ``waiting`` meanwhile.

    Raises what ``work`` does, AdminError, SettingsError, RedisUnusableError, ServiceUnusableError.
    """
    target = remote.target()
    return _locally(work, waiting) if target is None else _remotely(target, work, waiting)


def _locally(work: Callable[[Do], Awaitable[_Result]], waiting: str) -> _Result:
    settings = loaded()
    log.configure("WARNING", "text")

    async def inside() -> _Result:
        async with open_issuer(settings, listen=False) as issuer:
            return await work(_on(issuer, Actor(_account(), Way.CLI, gethostname())))

    with redis_explained(settings), busy(waiting):
        return asyncio.run(inside())


def _remotely(target: remote.RunningService, work: Callable[[Do], Awaitable[_Result]], waiting: str) -> _Result:
    async def inside() -> _Result:
        async with remote.connected(target) as perform_there:
            return await work(perform_there)

    with busy(waiting):
        return asyncio.run(inside())


def _on(issuer: Issuer, actor: Actor) -> Do:
    async def here(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
        answer = await perform(issuer, operation, given, actor)
        output: dict[str, Any] = orjson.loads(orjson.dumps(answer.body))  # in the form that HTTP would give it
        return output

    return here


def _account() -> str:
    """Return the account that runs the command; in a container its number may have no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
