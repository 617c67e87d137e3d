"""Every peer that can be had within seconds gives right answers to all that it does; `make bench-peers` tries the others."""

import asyncio
import shutil
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from loadtests import servers
from loadtests.generator import drive, spare_for
from loadtests.peers import PEERS, keycloak, postgresql
from loadtests.peers.peer import Make, made_by
from loadtests.peers.works import PEER_WORKS
from loadtests.servers import ServerFailedError
from loadtests.supplies import supplier
from loadtests.work import POOL, WORKS
from service.protocol.names import SigningAlgorithm
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port

REQUESTS, CONNECTIONS = 30, 4
LIKE_ANOTHER = {"redeem", "redeem_es256"}
"""Less than redeem_rs256."""
NEEDED = REQUESTS + spare_for(CONNECTIONS)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.parametrize("name", ["authlib", "django-oauth-toolkit"])
async def test_a_peer_answers_rightly(redis: Shape, name: str) -> None:
    peer = PEERS[name]
    if missing := peer.find_missing():
        pytest.skip(missing)
    async with supplier(redis) as supplies, peer.start(redis, supplies) as running:
        asked = replace(running, make=await _at_once(running.make))
        for work, ask in PEER_WORKS.items():
            if work in peer.does_not or work in LIKE_ANOTHER:
                continue
            orders = await ask(asked, supplies, NEEDED)
            driven = await drive(running.server.url, orders, CONNECTIONS, REQUESTS)
            assert driven.wrong == 0, (work, driven.example)
    assert not _runs(running.server.store_pids[0])


async def _at_once(make: Make) -> Make:
    """All grants in one go: each call starts a program, which takes longer than what it makes."""
    grants = iter(await make("grants", POOL + 2 * NEEDED, None))

    async def take(kind: str, count: int, algorithm: SigningAlgorithm | None) -> list[dict[str, str]]:
        return list(islice(grants, count)) if kind == "grants" else await make(kind, count, algorithm)

    return take


def test_peers_are_asked_for_work_that_mintmark_is_asked_for() -> None:
    assert set(PEER_WORKS) < set(WORKS)
    assert all(set(peer.does_not) < set(PEER_WORKS) for peer in PEERS.values())


def test_what_is_missing_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "DEBIAN", tmp_path)
    assert "Node.js" in PEERS["node-oidc-provider"].find_missing()
    assert "apt-get install default-jdk-headless maven" in PEERS["keycloak"].find_missing()
    assert "apt-get install postgresql" in postgresql.find_missing()


async def test_an_archive_of_another_hash_is_not_unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(
        f'#!/bin/sh\nfor one; do :; done\necho x >"${{one#*=}}/keycloak-quarkus-dist-{keycloak.VERSION}.tar.gz"\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(keycloak, "INSTALLED", tmp_path / "installed")
    monkeypatch.setattr(keycloak, "PROGRAM", tmp_path / "installed" / "kc.sh")
    with pytest.raises(ServerFailedError, match="is not the archive whose hash"):
        await keycloak._install()
    assert list((tmp_path / "installed").iterdir()) == []


async def test_a_supply_that_fails_says_why() -> None:
    make: Make = made_by([sys.executable, "-c", "import sys; sys.exit('no ' + sys.argv[1])"], {})
    with pytest.raises(ServerFailedError, match="no codes"):
        await make("codes", 1, None)


async def test_what_a_script_started_ends_with_it_though_the_script_does_not_listen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(servers, "STOP_SECONDS", 0.2)
    noted = tmp_path / "pid"
    script = f"trap '' TERM; {sys.executable} -m http.server --bind 127.0.0.1 $0 & echo $! >{noted}; wait; wait"
    port = free_port()
    async with servers.process(["/bin/sh", "-c", script, str(port)], {}, f"http://127.0.0.1:{port}", "/"):
        child = int(noted.read_text())
        assert _runs(child)
    async with asyncio.timeout(PATIENCE):
        while _runs(child):
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
