"""A webhook for Mintmark: adds a claim to every token, and lets one client refresh no more.

``HOOK_SECRET=whsec_… python examples/hook_receiver.py``. Signatures are checked by the package
``standardwebhooks``; anything else that speaks Standard Webhooks will do.
"""

import os

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = os.environ["HOOK_SECRET"]  # as in hook_secrets: whsec_…


async def hook(request: web.Request) -> web.Response:
    try:
        message = Webhook(SECRET).verify(await request.read(), dict(request.headers))
    except (WebhookVerificationError, ValueError):  # ValueError: a signature or a body that is malformed
        return web.json_response({"error": "this is not from Mintmark, or it is old"}, status=401)
    match message["type"]:
        case "claims":
            return web.json_response({"token_response": {"tenant": "acme"}, "introspection": {"tenant": "acme"}})
        case "refresh":
            return web.json_response({"allow": message["data"]["client_id"] != "retired"})
    return web.Response(status=204)  # a notice: heard


app = web.Application()
app.add_routes([web.post("/hook", hook)])

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=9100)
