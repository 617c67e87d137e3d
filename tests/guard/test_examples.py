"""docs/how-to/guard.md, guard/README.md and examples/, run as they stand there (other ports)."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.journeys.test_readme import demo as demo
from tests.pages import Page, until_it_listens
from tests.patience import PATIENCE
from tests.server_process import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = Page("how-to/guard.md")


async def run(script: str, folder: Path) -> str:
    bash = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(bash.communicate(), PATIENCE)
    assert bash.returncode == 0, output.decode()
    return output.decode()


async def test_the_aiohttp_example(demo: int, tmp_path: Path) -> None:
    port = free_port()

    def here(text: str) -> str:
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{demo}").replace("127.0.0.1:9000", f"127.0.0.1:{port}")

    example = here((ROOT / "examples" / "aiohttp_api.py").read_text()).replace("port=9000", f"port={port}")
    for line in PAGE.block("python").splitlines():
        assert re.sub(r"\s", "", here(line)) in re.sub(r"\s", "", example.replace("\n    ", "").replace("\n)", ")"))
    await run(here(PAGE.block("sh")), tmp_path)
    (tmp_path / "api.py").write_text(example)
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'guard'}"}
    api = await asyncio.create_subprocess_exec(sys.executable, "api.py", cwd=tmp_path, env=path)
    try:
        await until_it_listens(port)
        said = await run(here(PAGE.block("console")), tmp_path)
    finally:
        api.terminate()
        await api.wait()
    first, second = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    assert first == {"hello": "caller", "scopes": ["read"]}
    assert second["error"] == "invalid_token"


GUARD_README = (ROOT / "guard" / "README.md").read_text()
SERVERS = {
    "asgi_api": "-m uvicorn asgi_api:app --port PORT",
    "fastapi_api": "-m uvicorn fastapi_api:app --port PORT",
    "flask_api": "-m flask --app flask_api.py run --port PORT",
    "django_api": "django_api.py runserver --noreload PORT",
    "mcp_api": "-m uvicorn mcp_api:app --port PORT",
}
"""How each example of guard/README.md is started."""


def test_every_example_is_run_and_is_what_the_readme_shows() -> None:
    examples = {path.stem: path.read_text() for path in (ROOT / "examples").glob("*_api.py")}
    assert set(examples) == {*SERVERS, "aiohttp_api"}
    for name, text in examples.items():
        section = re.search(
            rf"^\[examples/{name}\.py\].*?^```python\n(.*?)^```", GUARD_README, re.MULTILINE | re.DOTALL
        )
        assert section is not None, name
        assert not [line for line in section[1].splitlines() if line not in text.splitlines()], name


@asynccontextmanager
async def example(name: str, demo: int, folder: Path) -> AsyncIterator[str]:
    """Run an example beside the demo; where it is."""
    port = free_port()
    text = (ROOT / "examples" / f"{name}.py").read_text()
    (folder / f"{name}.py").write_text(text.replace(":8080", f":{demo}").replace(":9000", f":{port}"))
    words = SERVERS[name].replace("PORT", str(port)).split()
    path = {"PYTHONPATH": f"{ROOT / 'guard'}"}
    process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=folder, env=path)
    try:
        await until_it_listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def test_the_examples_of_the_guard(demo: int, tmp_path: Path) -> None:
    """As guard/README.md has it: the commands that make a client, each example, a token, and no token."""

    def here(text: str, port: str) -> str:
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{demo}").replace("http://127.0.0.1:9000", port)

    made, called = (
        re.search(rf"^```{language}\n(.*?)^```", GUARD_README.partition("## Something")[2], re.MULTILINE | re.DOTALL)
        for language in ("sh", "console")
    )
    assert made is not None
    assert called is not None
    await run(here(made[1], ""), tmp_path)

    async def call(name: str) -> None:
        async with example(name, demo, tmp_path) as url:
            good, _, bad = (await run(here(called[1], url), tmp_path)).partition("\n")
        assert json.loads(good) == {"hello": "guard-caller", "scopes": ["read"]}, name
        assert bad.lstrip().startswith("HTTP/1.1 401 "), name
        assert "/.well-known/oauth-protected-resource" in bad, name

    await asyncio.gather(call_the_mcp_example(demo, tmp_path), *map(call, SERVERS.keys() - {"mcp_api"}))


async def call_the_mcp_example(demo: int, tmp_path: Path) -> None:
    async with example("mcp_api", demo, tmp_path) as url, aiohttp.ClientSession() as http:
        resource = f"{url}/mcp"
        options = f"--grant-type client_credentials --scope mcp:tools --audience {resource} --access-token-format jwt"
        secrets = 'export MINTMARK_SECRETS_DIR="$PWD/.mintmark"\n'
        create = f"echo caller-secret | .venv/bin/mintmark client create agent {options} --secret-stdin"
        await run(secrets + create, tmp_path)
        form = {"grant_type": "client_credentials", "scope": "mcp:tools"}
        login = {"Authorization": aiohttp.encode_basic_auth("agent", "caller-secret")}
        async with http.post(f"http://127.0.0.1:{demo}/token", data=form, headers=login) as response:
            token = (await response.json())["access_token"]
        async with (
            create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as authorized,
            Client(streamable_http_client(resource, http_client=authorized)) as client,
        ):
            result = await client.call_tool("hello", {})
            assert result.content[0].text == "Hello, agent"  # type: ignore[union-attr]
        async with http.post(resource, json={}) as refused:
            assert refused.status == 401
