"""Who decides in the suite's FAPI-CIBA plans, as their configuration says (automated_ciba_approval_url); for tests alone.

    python -m tests.conformance.ciba_approvals --operators http://127.0.0.1:9000 --key exam --secret-file secret --port 9200

It knows the credential of the request, as no app does that hears of it by a hook, and decides at the decision API.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from service.protocol.credentials import parse
from tests.conformance.browser import USER
from tests.world import basic

PATH = "/approve"
COMPLETE = "/api/backchannel/authentication/complete"
ACR = "1"
"""What the plans ask for, and how the user is said to have signed in."""


def decision(auth_req_id: str, action: str) -> dict[str, Any]:
    """The call that decides a request of the only user. Raises ValueError for what is no request."""
    credential = parse(auth_req_id)
    if credential is None:
        raise ValueError("no auth_req_id")
    named = {"ticket": f"{credential.grant_id}.{credential.hash}"}
    if action != "allow":
        return named | {"result": "ACCESS_DENIED"}
    return named | {"result": "AUTHORIZED", "subject": USER, "authTime": int(time.time()), "acr": ACR}


def approvals_application(operators: str, key: str, secret: str) -> web.Application:
    """An application that decides by the decision API of the operators' port."""

    async def approve(request: web.Request) -> web.Response:
        members = decision(request.query["auth_req_id"], request.query["action"])
        async with (
            ClientSession(headers=basic(key, secret)) as http,
            http.post(f"{operators}{COMPLETE}", json=members) as answer,
        ):
            return web.Response(status=answer.status, text=await answer.text())

    application = web.Application()
    application.router.add_post(PATH, approve)
    return application


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    for name in ("operators", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--secret-file", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    secret = given.secret_file.read_text().strip()
    web.run_app(approvals_application(given.operators, given.key, secret), host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
