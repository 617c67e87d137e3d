"""docs/how-to/guard.md and examples/, run as they stand there (other ports)."""

import asyncio
import json
import re
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.journeys.test_readme import demo as demo
from tests.pages import Page, until_it_listens
from tests.patience import PATIENCE
from tests.server_process import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = Page("how-to/guard.md")
ASGI_CLIENT = "jwt-caller"


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


async def test_the_asgi_example(demo: int, tmp_path: Path) -> None:
    issuer = f"http://127.0.0.1:{demo}"
    text = (ROOT / "examples" / "asgi_api.py").read_text().replace("http://127.0.0.1:8080", issuer)
    there: dict[str, object] = {}
    exec(compile(text, "asgi_api.py", "exec"), there)
    options = (
        "--grant-type client_credentials --scope read --audience https://api.example.com --access-token-format jwt"
    )
    secrets = 'export MINTMARK_SECRETS_DIR="$PWD/.mintmark"\n'
    create = f"echo caller-secret | .venv/bin/mintmark client create {ASGI_CLIENT} {options} --secret-stdin"
    await run(secrets + create, tmp_path)
    async with aiohttp.ClientSession() as http:
        form = {"grant_type": "client_credentials", "scope": "read"}
        login = aiohttp.encode_basic_auth(ASGI_CLIENT, "caller-secret")
        async with http.post(issuer + "/token", data=form, headers={"Authorization": login}) as response:
            token = (await response.json())["access_token"]
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    for value in (f"Bearer {token}", f"Bearer {token}x"):
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"authorization", value.encode())]}
        await there["app"](scope, None, send)  # type: ignore[operator]
    assert [message["status"] for message in sent if "status" in message] == [200, 401]
    assert json.loads(sent[1]["body"]) == {"hello": ASGI_CLIENT, "scopes": ["read"]}  # type: ignore[arg-type]
    await there["guard"].close()  # type: ignore[attr-defined]
