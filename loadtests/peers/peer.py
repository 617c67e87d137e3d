"""The description of a peer for the benchmark: how it starts, its endpoints, how codes and tokens are made, and its limits."""

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
"""The folder for downloads, in addition to the folders of pip and npm."""
OPAQUE = "[%w_-]+"
"""A Lua pattern for opaque tokens."""

REPEATED = 5
"""The factor for the warm-up of works that need no new codes or tokens, and so can be repeated for longer."""

Make = Callable[[str, int, SigningAlgorithm | None], Awaitable[list[dict[str, str]]]]
"""Make ``codes`` or ``grants``, so many, each of another sign-in.

For codes the last argument is the signing algorithm of their ID tokens. Each item is ``{"code"}``, or
``{"access_token", "refresh_token"}``.
"""


@dataclass(frozen=True, slots=True)
class RunningPeer:
    """A running peer.

    Args:
        server: Its process.
        make: Makes codes and grants.
        versions: Versions of its parts, by name.
        secret: The secret of its clients.
        token: The path of the token endpoint.
        introspection: The path for introspection.
        revocation: The path for revocation.
        audience: The audience of client assertions.
        pushed: The path for pushed authorization requests.
        access: A Lua pattern of its access tokens.
        refresh: A Lua pattern of its refresh tokens.
        user: The member of an introspection response with the user.
        machine: The client for client_credentials.
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
        """Return a form with the client's authentication."""
        return {"client_id": CLIENT_ID, "client_secret": self.secret, **parameters}


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer in the list.

    Args:
        name: The name, for options.
        title: The title, for tables.
        start: Starts it.
        find_missing: Returns what must be installed by hand first, "" for nothing.
        requests: The number of requests in a round.
        warm_up: Requests of a warm-up of each work; ``REPEATED`` times as many where they can be repeated.
        note: Its setup, and what differs from Mintmark.
        does_not: The reason for each work that it does not do, by name.
    """

    name: str
    title: str
    start: Callable[[Shape, Supplier], AbstractAsyncContextManager[RunningPeer]]
    find_missing: Callable[[], str]
    requests: int
    warm_up: int
    note: str
    does_not: Mapping[str, str] = field(default_factory=dict)


def peer_environment(supplies: Supplier, url: str) -> dict[str, str]:
    """Return environment variables with the clients that every peer has, and its address."""
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
    """Return a maker by a program of the peer, which takes the arguments of ``Make`` and prints a line of JSON for each."""

    async def make(kind: str, count: int, algorithm: SigningAlgorithm | None) -> list[dict[str, str]]:
        out = await output_of(*command, kind, str(count), algorithm or "", environment=environment)
        return [json.loads(line) for line in out.splitlines()]

    return make


async def output_of(
    *command: str, environment: Mapping[str, str] | None = None, cwd: str | os.PathLike[str] = ROOT
) -> str:
    """Run a program and return its output. Raises ServerFailedError with its error output."""
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
