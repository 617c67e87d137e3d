"""Probes and metrics for the operator: /livez, /readyz, /metrics."""

from aiohttp import web

from service.fronts.methods import Handler, by_method
from service.issuer import Issuer
from service.protocol.decision import SERVER
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.store.writability import refusal_in

LIVE_PATH = "/livez"
HEALTH_PATHS = (LIVE_PATH, "/readyz", "/metrics")
"""The paths of probes and metrics; reserved also where operators have a port of their own."""


class Health:
    """The handlers of probes. ``accepting`` is False once the service is to stop, so that load balancers turn elsewhere."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self.accepting = True

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of every path. Metrics are here only where operators have no port of their own."""
        handlers = self.admin_handlers()
        if self._issuer.settings.admin_port is not None:
            del handlers["/metrics"]
        return handlers

    def admin_handlers(self) -> dict[str, Handler]:
        """Return the handler of every path of the operators' port."""
        table = zip(HEALTH_PATHS, (self._live, self._ready, self._metrics), strict=True)
        return {path: by_method(("GET",), handler, _refused) for path, handler in table}

    async def _live(self, _: web.BaseRequest) -> web.StreamResponse:
        """Answer that the event loop runs. Redis does not matter, as restarting the service would not bring it back."""
        return status("ok")

    async def _ready(self, _: web.BaseRequest) -> web.StreamResponse:
        if not self.accepting:
            return status("stopping", 503)
        if missing := self._issuer.background.missing:
            return status(f"background task stopped: {', '.join(missing)}", 503)
        try:
            await self._issuer.store.ping()
            refusal = await self._issuer.store.writability.look()
        except TemporarilyUnavailable as error:
            refusal = refusal_in(error)
            if refusal is None:
                return status("redis unavailable", 503)
        if refusal is not None:
            return status("redis refuses writes", 503, reason=refusal.reason, detail=refusal.hint)
        return status("ok")

    async def _metrics(self, _: web.BaseRequest) -> web.StreamResponse:
        text = self._issuer.metrics.exposition()
        return web.Response(body=text, content_type="text/plain", charset="utf-8", headers=SERVER)


async def _refused(_: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
    response = status(error.description, error.status)
    response.headers.update(error.headers)
    return response


def status(text: str, code: int = 200, **more: str) -> web.Response:
    """Return the response to a probe."""
    headers = {**SERVER, "Retry-After": "1"} if code == 503 else SERVER
    return web.json_response({"status": text, **more}, status=code, headers=headers)
