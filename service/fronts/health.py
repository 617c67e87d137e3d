"""Probes and metrics for whoever runs the service: /livez, /readyz, /metrics."""

from aiohttp import web

from service.issuer import Issuer
from service.protocol.errors import TemporarilyUnavailable


class Health:
    """``accepting``: False once the service is told to stop; load balancers then look elsewhere."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self.accepting = True

    def routes(self) -> list[web.RouteDef]:
        """Every route of this front."""
        return [web.get("/livez", self._live), web.get("/readyz", self._ready), web.get("/metrics", self._metrics)]

    async def _live(self, _: web.Request) -> web.StreamResponse:
        """The event loop turns; Redis has no say: a restart would not bring it back."""
        return web.json_response({"status": "ok"})

    async def _ready(self, _: web.Request) -> web.StreamResponse:
        if not self.accepting:
            return web.json_response({"status": "stopping"}, status=503)
        try:
            await self._issuer.store.ping()
        except TemporarilyUnavailable:
            return web.json_response({"status": "redis unavailable"}, status=503, headers={"Retry-After": "1"})
        return web.json_response({"status": "ok"})

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self._issuer.metrics.exposition(), content_type="text/plain", charset="utf-8")
