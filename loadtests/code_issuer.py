"""``python -m loadtests.code_issuer CLIENT_ID``: a process that makes authorization codes for a locust worker.

Each line on standard input is a number; it prints so many lines of JSON with ``code``, ``code_verifier``, ``redirect_uri``
and ``subject``. It replaces the authorization endpoint: ``service.tokens.authorization_codes`` writes the codes directly into
the Redis of MINTMARK_REDIS_URL (or of ``mintmark demo`` in this folder). It is a process of its own, as locust's gevent and
the service's asyncio cannot share one. Each worker has its own, so that distributed locust needs no exchange of codes.
"""

import asyncio
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import quote

import orjson
import uvloop

from service.app import open_issuer
from service.issuer import Issuer
from service.protocol.pkce import ChallengeMethod, s256
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.settings import load
from service.tokens.authorization_codes import issue_code

DEMO_SOCKET = Path(".mintmark/redis/redis.sock")
SCOPE = "read write"


def redis_url() -> str:
    """Return MINTMARK_REDIS_URL, otherwise the demo's URL."""
    return os.environ.get("MINTMARK_REDIS_URL") or f"unix://{quote(str(DEMO_SOCKET.absolute()))}"


async def main(client_id: str) -> None:
    """Print codes until standard input ends."""
    async with open_issuer(load(redis_url=redis_url()), listen=False) as issuer:
        client = await issuer.store.clients.get(client_id)
        if client is None:
            sys.exit(f"there is no client {client_id} in this Redis")
        loop = asyncio.get_running_loop()
        while wanted := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            made = await asyncio.gather(*(_code(issuer, client) for _ in range(int(wanted))))
            sys.stdout.write("".join(f"{line}\n" for line in made))
            sys.stdout.flush()


async def _code(issuer: Issuer, client: Client) -> str:
    now, verifier, subject = int(issuer.clock()), secrets.token_urlsafe(32), f"load-{secrets.token_hex(8)}"
    redirect_uri = client.redirect_uris[0]
    record = AuthorizationCode(
        redirect_uri=redirect_uri,
        redirect_uri_given=True,
        code_challenge=s256(verifier),
        code_challenge_method=ChallengeMethod.S256,
    )
    grant = Grant(
        client.client_id,
        subject,
        scope=SCOPE,
        client_generation=client.generation,
        issued_at=now,
        auth_time=now,
    )
    code = (await issue_code(issuer, client, grant, record)).code
    return orjson.dumps(
        {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri, "subject": subject}
    ).decode()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
