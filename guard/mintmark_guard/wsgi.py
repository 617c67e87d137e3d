"""The parts of a WSGI request (PEP 3333) that the guard checks."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mintmark_guard.dpop import SentRequest
from mintmark_guard.forwarded_certificates import from_pem
from mintmark_guard.request_url import request_url

_AS_WRITTEN = ("RAW_URI", "REQUEST_URI")
"""The keys for the request target as the client wrote it, in gunicorn, Werkzeug, uWSGI and mod_wsgi."""


def request_of(environ: Mapping[str, Any]) -> SentRequest:
    """Read a request. Servers join repeated headers by commas, so that a repeated Authorization header is no valid token."""
    headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    targets = [environ[name] for name in _AS_WRITTEN if environ.get(name)]
    decoded = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    target = targets[0] if targets else quote(decoded.encode("latin-1"), safe="/:@!$&'()*+,;=~")
    return SentRequest(
        environ["REQUEST_METHOD"],
        request_url(environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), target),
        headers,
        environ.get("REMOTE_ADDR", ""),
        _certificate(environ),
    )


def _certificate(environ: Mapping[str, Any]) -> bytes | None:
    """Return the peer's TLS certificate, where the server passes it on (mod_ssl, uWSGI). No header can have this key."""
    try:
        return from_pem(environ["SSL_CLIENT_CERT"])[0] if environ.get("SSL_CLIENT_CERT") else None
    except ValueError:
        return None
