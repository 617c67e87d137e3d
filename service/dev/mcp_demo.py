"""The demo for agents: an MCP server as a resource, with settings that let its clients register and sign in by themselves."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from service.admin.errors import AlreadyExists
from service.admin.resources import ResourceInput, create_resource
from service.issuer import Issuer

SCOPE = "mcp:tools"
"""The scope that tokens need."""
PATH = "/mcp"
SETTINGS: dict[str, Any] = {"registration": "open", "client_metadata_documents": True}


def resource_of(port: int) -> str:
    """Return the URL of the MCP server, which is also the audience of its tokens."""
    return f"http://127.0.0.1:{port}{PATH}"


def is_installed() -> bool:
    """Whether the MCP server can run, which needs the Python SDK of MCP."""
    return find_spec("mcp") is not None


async def prepare(issuer: Issuer, port: int) -> None:
    """Register the resource, unless it is there from an earlier run."""
    given: dict[str, Any] = {"resource": resource_of(port), "name": "Mintmark demo", "scopes": [SCOPE]}
    given |= {"access_token_format": "jwt", "self_registered": True}
    with suppress(AlreadyExists):
        await create_resource(issuer, ResourceInput.read(given))


@contextmanager
def running_server(issuer_url: str, port: int) -> Iterator[None]:
    """Run the MCP server as a process of its own until the block ends."""
    command = [sys.executable, "-m", "service.dev.mcp_server", "--issuer", issuer_url, "--port", str(port)]
    process = subprocess.Popen(command)  # noqa: S603 (ourselves)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
