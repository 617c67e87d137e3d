"""django-oauth-toolkit, under gunicorn, on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loadtests.peers.gunicorn import MACHINE, THREADS, find_missing, under_gunicorn
from loadtests.peers.peer import Peer, RunningPeer
from loadtests.supplies import Supplier
from tests.redis_shapes import Shape

PACKAGES = ("django-oauth-toolkit", "django", "oauthlib")


@asynccontextmanager
async def start(_: Shape, supplies: Supplier) -> AsyncIterator[RunningPeer]:
    """Start the peer, which needs no Redis."""
    paths = {"token": "/o/token/", "introspection": "/o/introspect/", "revocation": "/o/revoke_token/"}
    application = "django_oauth_toolkit_app:application"
    async with under_gunicorn(supplies, application, PACKAGES, **paths, user="username", machine=MACHINE) as running:
        yield running


DJANGO_OAUTH_TOOLKIT = Peer(
    name="django-oauth-toolkit",
    title="django-oauth-toolkit",
    start=start,
    find_missing=lambda: find_missing("oauth2_provider"),
    requests=200,
    warm_up=200,
    note=(
        f"one gunicorn worker of {THREADS} threads, persistent connections, two middlewares; "
        "client secrets unhashed, or Django's password hash were all that one measures"
    ),
    does_not={
        "private_key_jwt": "no client assertions",
        "dpop": "no DPoP",
        "push": "no pushed requests",
        "jwt_es256": "no JWT access tokens",
        "jwt_rs256": "no JWT access tokens",
        "redeem_es256": "signs ID tokens by RS256 and HS256 only",
    },
)
