"""The API that plans for security profiles call with the tokens that they got: behind the guard, and for tests alone.

    python -m tests.conformance.resource_server --issuer https://op.example --audience https://mtls.op.example/resource \
        --client resource --secret-file secret --port 9100

It stands behind the proxy that asks for certificates and forwards them as nginx does.
"""

import argparse
import uuid
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from mintmark_guard import CertificatePolicy, DpopPolicy, Guard
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard, guarding

PATH = "/resource"
INTERACTION = "x-fapi-interaction-id"
"""Header by which client and API find a request in the logs of both; the API sends it back (FAPI 1.0 Baseline 6.2.1-11)."""


async def _resource(request: web.Request) -> web.Response:
    shown = {"sub": request[TOKEN].claims.get("sub"), "scope": request[TOKEN].claims.get("scope")}
    return web.json_response(shown, headers={INTERACTION: request.headers.get(INTERACTION) or str(uuid.uuid4())})


def resource_application(guard: Guard) -> web.Application:
    """An application with one resource, which says whose token was taken."""
    application = web.Application(middlewares=[aiohttp_guard(guard)])
    application.router.add_get(PATH, _resource)
    application.cleanup_ctx.append(guarding(guard))
    return application


def resource_guard(issuer: str, audience: str, client_id: str, secret: str) -> Guard:
    """A guard that asks the issuer about each token, and takes DPoP proofs and forwarded certificates."""
    return Guard(
        issuer,
        audience,
        client_id=client_id,
        client_secret=secret,
        dpop=DpopPolicy(),
        certificates=CertificatePolicy(forwarded="nginx", trusted_proxies=("127.0.0.1/32",)),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    for name in ("issuer", "audience", "client"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--secret-file", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    secret = given.secret_file.read_text().strip()
    guard = resource_guard(given.issuer, given.audience, given.client, secret)
    web.run_app(resource_application(guard), host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
