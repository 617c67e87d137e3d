"""The certificate authorities of the system, read when the first connection needs them and not at the start.

aiohttp makes the TLS context of its calls when it is imported, with some 150 certificates that OpenSSL parses: a tenth of the
start of a process, and 2 MB in one that may never call a server. ``mintmark`` imports aiohttp here first.
"""

import asyncio
import ssl
import sys
import threading
from os import devnull
from typing import Any


class SystemAuthorities(ssl.SSLContext):
    """A context of TLS clients that trusts the system's certificate authorities, which it reads once.

    Until then it trusts nobody, so what would overlook the reading fails instead of trusting too much.
    """

    is_read = False
    _reading = threading.Lock()

    def read(self) -> None:
        """Read the certificate authorities, where that was not done yet. It takes some tens of milliseconds."""
        with self._reading:
            if not self.is_read:
                self.load_default_certs()
                self.is_read = True

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401 (those of ssl)
        """Begin a connection, as asyncio and uvloop do."""
        self.read()
        return super().wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401 (those of ssl)
        """Begin a connection of a socket."""
        self.read()
        return super().wrap_socket(*arguments, **options)


CONTEXT: SystemAuthorities | None = None
"""The context of all calls by aiohttp, once ``import_aiohttp`` has made it."""


def import_aiohttp() -> None:
    """Import aiohttp without reading certificate authorities. Where it is imported already, nothing changes."""
    global CONTEXT
    if "aiohttp" in sys.modules:
        return
    CONTEXT = _unread()
    original = ssl.create_default_context
    ssl.create_default_context = lambda: CONTEXT  # type: ignore[assignment, misc]
    try:
        import aiohttp  # noqa: F401
    finally:
        ssl.create_default_context = original


def _unread() -> SystemAuthorities:
    """Return what ``ssl.create_default_context`` would return, with its authorities still to be read."""
    usual = ssl.create_default_context(capath=devnull)
    context = SystemAuthorities(ssl.PROTOCOL_TLS_CLIENT)
    context.options, context.verify_flags = usual.options, usual.verify_flags
    if usual.keylog_filename:
        context.keylog_filename = usual.keylog_filename
    return context


async def read_authorities() -> None:
    """Read them on a thread, so that the first call to another server does not hold up requests."""
    if CONTEXT is not None and not CONTEXT.is_read:
        await asyncio.to_thread(CONTEXT.read)
