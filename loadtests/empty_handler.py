"""E, the unit: the cost of a form POST in aiohttp itself. The handler ignores the form and answers a constant.

``python -m loadtests.empty_handler PORT [WORKERS]``: the same aiohttp, uvloop and options as ``service.app``.
"""

import asyncio
import os
import sys

import uvloop
from aiohttp import web

BODY = b'{"active":false}'


async def _answer(_: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


async def application() -> web.Application:
    """Return the application; a coroutine function, as gunicorn requires."""
    made = web.Application()
    made.router.add_route("POST", "/token", _answer)
    return made


async def _serve(port: int, *, shared: bool, parent: int | None) -> None:
    """Serve until the process, or the parent at the other end of the pipe ``parent``, ends."""
    runner = web.AppRunner(await application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024, reuse_port=shared).start()
    stop = asyncio.Event()
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent, stop.set)
    await stop.wait()


def main(port: int, workers: int = 1) -> None:
    """Serve. Workers share the port (SO_REUSEPORT), and end when the first of them ends, in whatever way."""
    end_of_parent, held_by_parent = os.pipe()
    for _ in range(workers - 1):
        if os.fork() == 0:
            os.close(held_by_parent)
            uvloop.run(_serve(port, shared=True, parent=end_of_parent))
            return
    uvloop.run(_serve(port, shared=workers > 1, parent=None))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
