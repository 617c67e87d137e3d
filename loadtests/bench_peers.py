"""``python -m loadtests.bench_peers``: Mintmark beside node-oidc-provider: the same work, Redis, machine and run.

Each is one process with the same features on. CPU µs of the server process per request, in turns. node-oidc-provider runs
twice: with ioredis as it comes, and with its auto-pipelining, which gives it what Mintmark does by itself. See README.md here.
"""

import asyncio
import json as jsons
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import uvloop
from rich.table import Table

from loadtests import interpreter, machine, report, servers
from loadtests.generator import Orders, literally, require_wrk, spare_for
from loadtests.report import LIMITED_AT
from loadtests.rounds import Contender, Pace, Round, middle, ratio, take_turns
from loadtests.servers import Server
from loadtests.supplies import CLIENT_ID, REDIRECT_URI, SCOPE, SIGNERS, VERIFIER, Supplier, supplier
from loadtests.work import EXPIRES_IN, POOL, SCOPED, TOKEN_TYPE, WORKS
from service.protocol.names import OPENID, SigningAlgorithm
from tests.redis_shapes import Shape
from tests.server_process import free_port

PEERS = Path(__file__).with_name("peers")
INSTALLED = PEERS / "node_modules"
PACE = Pace(8_000, 4)
WARM_UP = 5_000
"""Enough for V8 to have compiled what is hot."""
OLDEST_REDIS = 7
"""The adapter needs EXPIRE with NX and GT."""

OPAQUE = "[%w_-]+"
PEER_ALONE = (f'^{{"access_token":"{OPAQUE}",', EXPIRES_IN, TOKEN_TYPE, SCOPED)
PEER_PAIR = (*PEER_ALONE, f'"refresh_token":"{OPAQUE}"')
PEER_SIGNED = (
    *(f'"access_token":"{OPAQUE}"', EXPIRES_IN, TOKEN_TYPE, f'"scope":"{OPENID} {SCOPE}"'),
    *(f'"refresh_token":"{OPAQUE}"', '"id_token":"eyJ[%w_-]+%.[%w_-]+%.[%w_-]+"'),
)
PEER_ACTIVE = ('"active":true', '"sub":"[^"]+"', f'"client_id":"{literally(CLIENT_ID)}"', SCOPED, '"exp":%d+')


class Peer(NamedTuple):
    """node-oidc-provider with what it needs to make its own codes and tokens."""

    server: Server
    environment: dict[str, str]

    def form(self, **parameters: str) -> dict[str, str]:
        return {**parameters, "client_id": CLIENT_ID, "client_secret": self.environment["CLIENT_SECRET"]}


# the same work in its words


async def _client_credentials(peer: Peer, _: int) -> Orders:
    return Orders("/token", [peer.form(grant_type="client_credentials", scope=SCOPE)], patterns=PEER_ALONE)


async def _introspect(peer: Peer, _: int) -> Orders:
    tokens = [made["access_token"] for made in await _supply(peer, "grants", POOL)]
    forms = [peer.form(token=token, token_type_hint="access_token") for token in tokens]
    return Orders("/token/introspection", forms, patterns=PEER_ACTIVE)


async def _redeem(peer: Peer, count: int) -> Orders:
    fixed = peer.form(grant_type="authorization_code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    forms = [{**fixed, "code": made["code"]} for made in await _supply(peer, "codes", count)]
    return Orders("/token", forms, once=True, patterns=PEER_PAIR)


def _redeem_signed(algorithm: SigningAlgorithm) -> Callable[[Peer, int], Awaitable[Orders]]:
    async def orders(peer: Peer, count: int) -> Orders:
        fixed = peer.form(grant_type="authorization_code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
        fixed |= {"client_id": SIGNERS[algorithm]}
        forms = [{**fixed, "code": made["code"]} for made in await _supply(peer, "codes", count, algorithm)]
        return Orders("/token", forms, once=True, patterns=PEER_SIGNED)

    return orders


async def _refresh(peer: Peer, count: int) -> Orders:
    fixed = peer.form(grant_type="refresh_token")
    forms = [{**fixed, "refresh_token": made["refresh_token"]} for made in await _supply(peer, "grants", count)]
    return Orders("/token", forms, once=True, patterns=PEER_PAIR)


async def _revoke(peer: Peer, count: int) -> Orders:
    fixed = peer.form(token_type_hint="refresh_token")
    forms = [{**fixed, "token": made["refresh_token"]} for made in await _supply(peer, "grants", count)]
    return Orders("/token/revocation", forms, once=True, patterns=("^$",))


PEER_WORKS: dict[str, Callable[[Peer, int], Awaitable[Orders]]] = {
    "client_credentials": _client_credentials,
    "introspect_active": _introspect,
    "redeem": _redeem,
    "redeem_es256": _redeem_signed(SigningAlgorithm.ES256),
    "redeem_rs256": _redeem_signed(SigningAlgorithm.RS256),
    "refresh": _refresh,
    "revoke": _revoke,
}
"""By the name of the work in ``WORKS``."""


# running it


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(PEER_WORKS)}. May be repeated.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    python: interpreter.Named = None,
) -> None:
    """Measure, print, and end with 1 if any answer was wrong."""
    if unknown := sorted(set(only or ()) - set(PEER_WORKS)):
        raise typer.BadParameter(f"there is no work called {', '.join(unknown)}: {', '.join(PEER_WORKS)}")
    require_wrk()
    _require_node()
    interpreter.choose(python)
    sys.exit(uvloop.run(_bench(only or list(PEER_WORKS), json)))


async def _bench(names: list[str], json: Path | None) -> int:
    rows = []
    await _install()
    with servers.redis_server() as redis:
        facts = machine.facts(redis) | {"node": (await _output("node", "--version")).strip(), **_versions()}
        _check_redis(facts["redis"])
        async with (
            supplier(redis) as supplies,
            servers.mintmark(redis) as mintmark,
            _peer(redis, supplies, auto_pipelining=False) as peer,
            _peer(redis, supplies, auto_pipelining=True) as pipelining,
        ):
            for name in names:
                rows.append(await _beside(name, supplies, mintmark, (peer, pipelining)))
                print(f"  {name}: {rows[-1]['ratio']:.1f} × cheaper", file=sys.stderr, flush=True)
    _tell(rows, facts)
    if json:
        report.write(json, facts, [], peers=rows)
    return 1 if any(row["wrong"] for row in rows) else 0


def _tell(rows: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    versions = f"node-oidc-provider {facts['oidc-provider']} · ioredis {facts['ioredis']} · Node.js {facts['node']}"
    report.console().print(_table(rows))
    report.console().print(f"{versions} · {machine.summary(facts)}", highlight=False)
    for row in rows:
        if row["wrong"]:
            text = f"{row['work']}: {row['wrong']} wrong answers, such as: {row['example']}"
            report.console().print(text, style="bold red", markup=False)


async def _beside(name: str, supplies: Supplier, mintmark: Server, peers: tuple[Peer, Peer]) -> dict[str, Any]:
    """One kind of work, all in turns."""
    for pace in (Pace(WARM_UP, 1), PACE):
        needed = pace.rounds * (pace.requests + spare_for(LIMITED_AT))
        contenders = [
            Contender(mintmark, await WORKS[name].orders(supplies, needed)),
            *[Contender(peer.server, await PEER_WORKS[name](peer, needed)) for peer in peers],
        ]
        ours, plain, pipelining = await take_turns(contenders, LIMITED_AT, pace)
    everything = [*ours, *plain, *pipelining]
    return {
        "work": WORKS[name].title,
        "mintmark": _figures(ours),
        "peer": _figures(plain),
        "pipelining": _figures(pipelining),
        "ratio": ratio(plain, ours),
        "ratio_pipelining": ratio(pipelining, ours),
        "goal": WORKS[name].limits.times_peer,
        "wrong": sum(each.wrong for each in everything),
        "example": next((each.example for each in everything if each.example), ""),
    }


def _figures(rounds: list[Round]) -> dict[str, float]:
    return {figure: middle(rounds, figure) for figure in ("server", "redis", "rate", "p99")}


@asynccontextmanager
async def _peer(redis: Shape, supplies: Supplier, *, auto_pipelining: bool) -> AsyncIterator[Peer]:
    """node-oidc-provider on this Redis, in one process."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        "NODE_ENV": "production",
        "REDIS_URL": redis.url,
        "AUTO_PIPELINING": "yes" if auto_pipelining else "no",
        "ISSUER": url,
        "PORT": str(port),
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": supplies.secret,
        "REDIRECT_URI": REDIRECT_URI,
        "VERIFIER": VERIFIER,
        **{f"SIGNER_{algorithm}": client_id for algorithm, client_id in SIGNERS.items()},
    }
    async with servers.process(["node", str(PEERS / "serve.js")], environment, url, "/nothing") as pid:
        yield Peer(Server("node-oidc-provider", url, pid, servers.redis_pids(redis)), environment)


async def _supply(peer: Peer, kind: str, count: int, signed: SigningAlgorithm | None = None) -> list[dict[str, str]]:
    """Codes or grants, made by node-oidc-provider's own models."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        command = ("node", str(PEERS / "supply.js"), kind, str(count), signed or "")
        environment = os.environ | peer.environment
        child = await asyncio.create_subprocess_exec(*command, env=environment, stdout=out, stderr=complaints)
        if await child.wait() != 0:
            complaints.seek(0)
            raise servers.ServerFailedError(f"supply.js failed:\n{complaints.read().decode()[-2000:]}")
        out.seek(0)
        return [jsons.loads(line) for line in out]


def _require_node() -> None:
    """End the program where there is no Node.js, saying what to install."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed: Node.js ≥ 20 is needed for the peers")


async def _install() -> None:
    """``npm ci``, unless what is installed is what the lock file says."""
    done, lock = INSTALLED / ".package-lock.json", PEERS / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        await _output("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")


async def _output(*command: str) -> str:
    """What it prints. Raises ServerFailedError."""
    child = await asyncio.create_subprocess_exec(*command, cwd=PEERS, stdout=asyncio.subprocess.PIPE)
    out = (await child.communicate())[0].decode()
    if child.returncode != 0:
        raise servers.ServerFailedError(f"{' '.join(command)} ended with status {child.returncode}")
    return out


def _versions() -> dict[str, str]:
    return {
        name: jsons.loads((INSTALLED / name / "package.json").read_text())["version"]
        for name in ("oidc-provider", "ioredis")
    }


def _check_redis(version: str) -> None:
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        raise typer.BadParameter(
            f"the peer's adapter needs Redis {OLDEST_REDIS}, this one is {version}: install redis-server"
        )


def _table(rows: list[dict[str, Any]]) -> Table:
    title = f"Mintmark beside node-oidc-provider, {LIMITED_AT} connections, CPU µs per request: server + Redis"
    shown = Table(title=title, title_justify="left")
    shown.add_column("work", no_wrap=True)
    for name in ("Mintmark", "oidc-provider", "× cheaper", "goal", "oidc-provider,\nauto-pipelining", "× cheaper"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        ours, plain, pipelining = (
            f"{row[side]['server']:.0f} + {row[side]['redis']:.0f}" for side in ("mintmark", "peer", "pipelining")
        )
        times, times_pipelining = f"{row['ratio']:.2f}", f"{row['ratio_pipelining']:.2f}"
        shown.add_row(
            row["work"], ours, plain, times, _reached(row["ratio"], row["goal"]), pipelining, times_pipelining
        )
    return shown


def _reached(times: float, goal: float | None) -> str:
    if goal is None:
        return ""
    return f"[green]✓ ≥ {goal:g}[/]" if times >= goal else f"[bold red]✗ ≥ {goal:g}[/]"


if __name__ == "__main__":
    typer.run(main)
