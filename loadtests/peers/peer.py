"""What the bench knows of a peer: how it comes up, where its endpoints are, how codes and tokens get into it, and what it
does not do.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

from loadtests.servers import ROOT, Server, ServerFailedError
from loadtests.supplies import ASSERTING, CLIENT_ID, JWT_CLIENTS, REDIRECT_URI, SIGNERS, VERIFIER, Supplier
from service.crypto.key_material import public_jwk
from service.protocol.names import SigningAlgorithm
from tests.redis_shapes import Shape

PEERS = ROOT / "loadtests" / "peers"
INSTALLED = PEERS / ".installed"
"""What was downloaded and unpacked here, beside what pip and npm keep in folders of their own."""
OPAQUE = "[%w_-]+"
"""Of a token: a Lua pattern."""

REPEATED = 5
"""Codes and tokens for a warm-up must be made; what needs none of them, or a thousand in turn, can go on for longer."""

Make = Callable[[str, int, SigningAlgorithm | None], Awaitable[list[dict[str, str]]]]
"""``codes`` or ``grants``, how many, and for codes what their ID token is to be signed with: ``{"code"}`` each, or
``{"access_token", "refresh_token"}``, each of another sign-in.
"""


@dataclass(frozen=True, slots=True)
class RunningPeer:
    """A peer that answers. ``access``, ``refresh``: Lua patterns of its tokens; ``user``: the member of an introspection
    response that names the user; ``audience``: of client assertions; ``pushed``: the path for pushed
    requests; ``machine``: the client for client_credentials.
    """

    server: Server
    make: Make
    versions: Mapping[str, str]
    secret: str
    token: str
    introspection: str
    revocation: str
    audience: str = ""
    pushed: str = ""
    access: str = OPAQUE
    refresh: str = OPAQUE
    user: str = "sub"
    machine: str = CLIENT_ID

    def form(self, **parameters: str) -> dict[str, str]:
        """With the client's authentication."""
        return {"client_id": CLIENT_ID, "client_secret": self.secret, **parameters}


@dataclass(frozen=True, slots=True)
class Peer:
    """A line of the list.

    ``find_missing``: what must be installed by hand first, empty where nothing is; ``does_not``: why it has no figure, by the
    name of the work; ``requests``: of a round; ``warm_up``: of each kind of work before it counts, ``REPEATED`` times as many
    where they may be repeated; ``note``: how it is set up and what differs.
    """

    name: str
    title: str
    start: Callable[[Shape, Supplier], AbstractAsyncContextManager[RunningPeer]]
    find_missing: Callable[[], str]
    requests: int
    warm_up: int
    note: str
    does_not: Mapping[str, str] = field(default_factory=dict)


def told_to_peers(supplies: Supplier, url: str) -> dict[str, str]:
    """The clients that every peer has, and its address, as environment variables."""
    return {
        "ISSUER": url,
        "PORT": url.rpartition(":")[2],
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": supplies.secret,
        "REDIRECT_URI": REDIRECT_URI,
        "VERIFIER": VERIFIER,
        "ASSERTING": ASSERTING,
        "ASSERTING_KEY": json.dumps(public_jwk(supplies.key, SigningAlgorithm.ES256)),
        **{f"SIGNER_{algorithm}": client_id for algorithm, client_id in SIGNERS.items()},
        **{f"JWT_CLIENT_{algorithm}": client_id for algorithm, client_id in JWT_CLIENTS.items()},
    }


def made_by(command: Sequence[str], environment: Mapping[str, str]) -> Make:
    """What a program of the peer's own makes: its arguments are those of ``Make``, it prints a line of JSON for each."""

    async def make(kind: str, count: int, algorithm: SigningAlgorithm | None) -> list[dict[str, str]]:
        out = await output_of(*command, kind, str(count), algorithm or "", environment=environment)
        return [json.loads(line) for line in out.splitlines()]

    return make


async def output_of(
    *command: str, environment: Mapping[str, str] | None = None, cwd: str | os.PathLike[str] = ROOT
) -> str:
    """What a program prints. Raises ServerFailedError with its complaints."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        child = await asyncio.create_subprocess_exec(
            *command, env=os.environ | (environment or {}), cwd=cwd, stdout=out, stderr=complaints
        )
        try:
            status = await child.wait()
        except BaseException:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                child.kill()
            await child.wait()
            raise
        out.seek(0)
        complaints.seek(0)
        text = out.read().decode()
        if status != 0:
            said = (complaints.read().decode(errors="replace") or text)[-2000:]
            raise ServerFailedError(f"{' '.join(command)} ended with status {status}:\n{said}")
        return text
