"""A real nginx in front of the service, with the server block of docs/how-to/mtls.md."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.certificates import Shown
from tests.pages import Page
from tests.patience import PATIENCE
from tests.server_process import free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="there is no nginx here: apt-get install nginx")
_FRAME = """
daemon off;
error_log stderr;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@asynccontextmanager
async def nginx(folder: Path, shown: Shown, upstream: int, *changes: tuple[str, str]) -> AsyncIterator[int]:
    """Run nginx until the block ends, and yield its port.

    Args:
        folder: The folder for its files.
        shown: Its own certificate.
        upstream: The port of the service.
        changes: Texts in the server block with their replacements.
    """
    port = free_port()
    certificate, key = shown.files(folder, "nginx")
    server = Page("how-to/mtls.md").block("nginx")
    places = (
        ("listen 8443 ", f"listen 127.0.0.1:{port} "),
        ("/etc/nginx/tls.crt", str(certificate)),
        ("/etc/nginx/tls.key", str(key)),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{upstream}"),
    )
    for old, new in (*places, *changes):
        assert server.count(old) == 1, old
        server = server.replace(old, new)
    file = folder / "nginx.conf"
    file.write_text(_FRAME.format(folder=folder, server=server))
    command = (str(NGINX), "-p", str(folder), "-c", str(file), "-e", "stderr")
    log = (folder / "nginx.log").open("wb")
    process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _listens(port):
                assert process.returncode is None, (folder / "nginx.log").read_text()
                await asyncio.sleep(0.02)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        log.close()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
