"""The certificate authorities of the system: read by the first connection, and the same as those of any Python."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.certificates import Authority, alternative

TOLD = """
import asyncio, json, ssl
import service.cli
from aiohttp import connector
from service.outbound.system_authorities import CONTEXT, read_authorities
used, usual = connector._SSL_CONTEXT_VERIFIED, ssl.create_default_context()
told = {"used": used is CONTEXT, "before": len(used.get_ca_certs())}
for name in ("options", "verify_flags", "verify_mode", "check_hostname", "minimum_version"):
    told[name] = getattr(used, name) == getattr(usual, name)
asyncio.run(read_authorities())
told["after"] = used.get_ca_certs() == usual.get_ca_certs()
print(json.dumps(told))
"""
CALL = """
import asyncio, sys
import service.cli
import aiohttp

async def call():
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1]) as response:
        print(response.status)

asyncio.run(call())
"""


def test_the_command_reads_no_authorities_at_its_start_and_all_of_them_later() -> None:
    told = json.loads(subprocess.run([sys.executable, "-c", TOLD], capture_output=True, check=True, timeout=60).stdout)
    assert told.pop("before") == 0
    assert set(told.values()) == {True}


async def test_a_server_is_called_where_the_system_trusts_its_authority_alone(tmp_path: Path) -> None:
    authority = Authority()
    shown = authority.issue(names=(alternative("dns", "localhost"),), usage=(ExtendedKeyUsageOID.SERVER_AUTH,))
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*shown.files(tmp_path))
    application = web.Application()
    application.router.add_get("/", _nothing)
    server = TestServer(application, host="localhost", scheme="https")
    await server.start_server(ssl=served)
    trusting = {**os.environ, "SSL_CERT_FILE": str(authority.file(tmp_path))}
    try:
        assert await _status(server, trusting) == "200"
        assert "CERTIFICATE_VERIFY_FAILED" in await _status(server, dict(os.environ))
    finally:
        await server.close()


async def _nothing(_: web.Request) -> web.Response:
    return web.Response()


async def _status(server: TestServer, environment: dict[str, str]) -> str:
    """Return the status that a process with this environment gets, or what went wrong there."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CALL, str(server.make_url("/")), env=environment, stdout=PIPE, stderr=PIPE
    )
    out, complaint = await asyncio.wait_for(child.communicate(), 60)
    return out.decode().strip() or complaint.decode()
