"""Authlib's authorization server in Flask, under gunicorn, on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loadtests.peers.gunicorn import THREADS, find_missing, under_gunicorn
from loadtests.peers.peer import Peer, RunningPeer
from loadtests.supplies import Supplier
from tests.redis_shapes import Shape

PACKAGES = ("authlib", "flask", "sqlalchemy")


@asynccontextmanager
async def start(_: Shape, supplies: Supplier) -> AsyncIterator[RunningPeer]:
    """Start the peer, which needs no Redis."""
    paths = {"token": "/token", "introspection": "/introspect", "revocation": "/revoke"}
    async with under_gunicorn(supplies, "authlib_app:app", PACKAGES, **paths) as running:
        yield running


AUTHLIB = Peer(
    name="authlib",
    title="Authlib",
    start=start,
    find_missing=lambda: find_missing(*PACKAGES),
    requests=400,
    warm_up=200,
    note=f"in Flask with SQLAlchemy as its guide shows it, one gunicorn worker of {THREADS} threads, client secrets unhashed",
    does_not={
        "dpop": "no DPoP",
        "push": "no pushed requests",
        "jwt_es256": "JWT access tokens are left to the application",
        "jwt_rs256": "JWT access tokens are left to the application",
    },
)
