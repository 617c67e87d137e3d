"""docs/how-to/hooks.md and examples/hook_receiver.py, run as they stand there (another port)."""

import asyncio
import time
import tomllib
from pathlib import Path

import pytest
from aiohttp import ClientSession

from service.hooks.answers import MAX_BYTES, MAX_CLAIMS
from service.protocol.names import HookEvent
from tests.hooks.receiver import hooked
from tests.pages import ROOT, Page, Shell
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port

PAGE = Page("how-to/hooks.md")


def test_the_page_names_every_event_and_bound() -> None:
    for event in HookEvent:
        assert f"`{event.value}`" in PAGE.text
    assert f"{MAX_CLAIMS} claims and {MAX_BYTES // 1024} KiB" in PAGE.text


@pytest.mark.slow
async def test_the_example_does_what_it_says(redis: Shape, tmp_path: Path) -> None:
    port = free_port()
    shell = Shell(tmp_path, {":9100/": f":{port}/", "port=9100": f"port={port}"}, MINTMARK_REDIS_URL=redis.url)
    settings = shell.here(PAGE.block("toml"))
    (tmp_path / "mintmark.toml").write_text(settings)
    (tmp_path / "examples").mkdir()
    source = (ROOT / "examples" / "hook_receiver.py").read_text()
    (tmp_path / "examples" / "hook_receiver.py").write_text(shell.here(source))
    listens = f"until (: < /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done"
    begin, test = PAGE.blocks("console")
    script = f"{begin}trap 'kill $!' EXIT; {listens}\n{test}"
    bash = await shell.start(script + 'echo "secret: $HOOK_SECRET"\nread -r _\n')
    assert bash.stdin is not None
    assert bash.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while not lines or not lines[-1].startswith("secret: "):
            line = await bash.stdout.readline()
            assert line, lines
            lines.append(line.decode())
    told = "".join(lines)
    assert '"tenant":"acme"' in told
    assert '{"allow":true}' in told
    secret = lines[-1].removeprefix("secret: ").strip()
    async with hooked(redis, tomllib.loads(settings)["hooks"], secret=secret) as world:
        tokens = await world.tokens(await world.client())
        assert tokens["tenant"] == "acme"
        assert (await world.introspect(tokens["access_token"]))["tenant"] == "acme"
        retired = await world.tokens(await world.client("retired"))
        assert (await world.refresh(retired["refresh_token"], "retired")).status == 400
    signed = {"webhook-id": "x", "webhook-timestamp": str(int(time.time()))}
    async with ClientSession(headers=signed) as stranger:
        for signature, body in (("none", b"{}"), ("v1,%%%a", b"{}"), ("v1,\u00e9", b"{}"), ("v1,YQ==", b"\xff")):
            forged = {"webhook-signature": signature}
            async with stranger.post(f"http://127.0.0.1:{port}/hook", headers=forged, data=body) as answer:
                assert answer.status == 401, signature
    bash.stdin.write(b"\n")
    assert await asyncio.wait_for(bash.wait(), PATIENCE) == 0
