"""``python -m loadtests.guard``: the CPU time of a check by the guard in one thread, the least of many rounds.

JWTs are compared with a bare ES256 verification in the same run, so that the result does not depend on a busy machine.
"""

import argparse
import asyncio
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from mintmark_guard import Guard, Needed
from mintmark_guard.blocking import BlockingGuard
from mintmark_guard.dpop import SentRequest
from mintmark_guard.jws import base64url

AUDIENCE = "https://api.example.com"
URL = f"{AUDIENCE}/orders"
SENT = [("Host", "api.example.com"), ("User-Agent", "bench"), ("Accept", "*/*"), ("Accept-Encoding", "gzip")]
NEEDED = Needed.of("read")
SCHEME = ec.ECDSA(SHA256())


class Signer:
    """A key that signs JWTs."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))

    def sign(self, claims: dict[str, object], **header: object) -> str:
        return jwt.encode(claims, self.key, "ES256", headers=header)


def claims(issuer: str, **more: object) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "alice",
        "client_id": "app",
        "iat": now,
        "exp": now + 3600,
        "jti": secrets.token_urlsafe(32),
        "scope": "openid read",
        **more,
    }


async def least(act: Callable[[], Awaitable[object]], number: int, rounds: int) -> float:
    """Return the microseconds per call in the fastest round."""
    took = []
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(number):
            await act()
        took.append(time.thread_time() - began)
    return min(took) / number * 1e6


async def serve(answers: dict[str, object]) -> tuple[web.AppRunner, str]:
    """Serve documents of a token service; its URL is in ``answers["issuer"]`` afterwards."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(answers[request.path])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    answers["/.well-known/openid-configuration"] = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
    }
    return runner, issuer


async def measure(number: int, rounds: int = 30) -> dict[str, float]:
    """Return microseconds by the name of the measurement."""
    signer, client, answers = Signer(), Signer(), dict[str, object]()
    runner, issuer = await serve(answers)
    answers["/jwks"] = {"keys": [signer.jwk | {"kid": "1", "alg": "ES256", "use": "sig"}]}
    answers["/introspect"] = claims(issuer) | {"active": True, "token_type": "Bearer"}
    token = signer.sign(claims(issuer), typ="at+jwt", kid="1")
    signing_input, public = token.rpartition(".")[0].encode(), signer.key.public_key()
    signature = signer.key.sign(signing_input, SCHEME)
    by_keys = Guard(issuer, AUDIENCE)
    introspecting = Guard(issuer, AUDIENCE, client_id="api", client_secret="s", cache_seconds=3600)
    blocking = BlockingGuard(introspecting)
    jkt = base64url(sha256(json.dumps(client.jwk, sort_keys=True, separators=(",", ":")).encode()).digest())
    bound = signer.sign(claims(issuer, cnf={"jkt": jkt}), typ="at+jwt", kid="1")

    def proof() -> str:
        ath = base64url(sha256(bound.encode()).digest())
        made: dict[str, object] = {
            "jti": secrets.token_urlsafe(),
            "htm": "GET",
            "htu": URL,
            "iat": int(time.time()),
            "ath": ath,
        }
        return client.sign(made, typ="dpop+jwt", jwk=client.jwk)

    async def bare() -> None:
        public.verify(signature, signing_input, SCHEME)

    async def pyjwt() -> None:
        jwt.decode(token, public, ["ES256"], audience=AUDIENCE, issuer=issuer)

    async def check(guard: Guard, headers: list[tuple[str, str]]) -> None:
        await guard.check(method="GET", url=URL, headers=headers, scopes=NEEDED)

    headers = [*SENT, ("Authorization", f"Bearer {token}")]
    proofs = iter([proof() for _ in range(number * rounds + 1)])
    await check(introspecting, headers)
    await check(by_keys, headers)

    async def bound_check() -> None:
        await check(by_keys, [*SENT, ("Authorization", f"DPoP {bound}"), ("DPoP", next(proofs))])

    async def blocked() -> None:
        blocking.check(SentRequest("GET", URL, headers))

    try:
        return {
            "an ES256 verification, bare": await least(bare, number, rounds),
            "a JWT by PyJWT's decode": await least(pyjwt, number, rounds),
            "a JWT": await least(lambda: check(by_keys, headers), number, rounds),
            "a JWT bound to a key, with its proof (two verifications)": await least(bound_check, number, rounds),
            "an answer that is remembered": await least(lambda: check(introspecting, headers), number * 10, rounds),
            "the same on a thread of a WSGI server": await least(blocked, number * 10, rounds),
        }
    finally:
        await introspecting.close()
        await by_keys.close()
        await runner.cleanup()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.guard", description=__doc__)
    parser.add_argument("--number", type=int, default=100, help="Checks a round.")
    found = asyncio.run(measure(parser.parse_args().number))
    unit = next(iter(found.values()))
    for name, microseconds in found.items():
        print(f"{microseconds:8.1f} µs  {microseconds / unit:6.2f} ×  {name}")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
