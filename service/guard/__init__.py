"""For resource servers: checks access tokens of a Mintmark, as aiohttp middleware, as ASGI middleware, or by hand.

    guard = Guard.by_introspection("https://tokens.example.com", "https://api.example.com", "api", secret, redis_url=…)
    app = web.Application(middlewares=[aiohttp_guard(guard)])

This room is used from outside; nothing in the service imports it.
"""

from service.guard.aiohttp_guard import TOKEN, aiohttp_guard
from service.guard.asgi_guard import AsgiGuard
from service.guard.certificates import CertificatePolicy
from service.guard.dpop import DpopPolicy
from service.guard.guard import Guard
from service.guard.needed import Needed
from service.guard.routes import needs
from service.guard.verdict import MisconfiguredError, Refused, Token

__all__ = [
    "TOKEN",
    "AsgiGuard",
    "CertificatePolicy",
    "DpopPolicy",
    "Guard",
    "MisconfiguredError",
    "Needed",
    "Refused",
    "Token",
    "aiohttp_guard",
    "needs",
]
