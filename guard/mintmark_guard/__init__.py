"""Check the access tokens of a Mintmark in an API. The adapters for frameworks are modules of their own.

    guard = Guard("https://tokens.example.com", "https://api.example.com")

``mintmark_guard.aiohttp``, ``.asgi``, ``.fastapi``, ``.flask``, ``.django`` and ``.mcp`` import the framework of their name;
this module imports none.
"""

from mintmark_guard.certificates import CertificatePolicy
from mintmark_guard.dpop import DpopPolicy
from mintmark_guard.guard import Guard
from mintmark_guard.needed import Needed
from mintmark_guard.verdict import MisconfiguredError, Refused, Token

__version__ = "0.1.0"

__all__ = ["CertificatePolicy", "DpopPolicy", "Guard", "MisconfiguredError", "Needed", "Refused", "Token"]
