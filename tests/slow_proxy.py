"""A proxy that delays bytes, as between two data centres."""

import asyncio
import threading
from typing import Self


class SlowProxy:
    """A proxy with a thread and event loop of its own, so that it runs while a test blocks.

    Use it by ``with SlowProxy(host, port) as proxy``. ``delay`` is the number of seconds by which bytes of the server are
    delayed; those of the client are not.
    """

    def __init__(self, host: str, port: int, delay: float) -> None:
        self.port = 0
        self._server = (host, port)
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self) -> int:
        self._listening = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        return int(self._listening.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        self._listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(*self._server)
        except OSError:
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, to_server, 0))
                both.create_task(self._pump(from_server, writer, self._delay))
        except* OSError:  # one side is gone
            pass
        finally:
            for end in (writer, to_server):
                end.transport.abort()  # bytes under way are lost, as when a machine fails

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
        while data := await source.read(65536):
            self._loop.call_later(delay, sink.write, data)
        raise ConnectionResetError("the other side has ended")
