"""What the guard looks at in a request of WSGI (PEP 3333)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mintmark_guard.dpop import SentRequest
from mintmark_guard.forwarded_certificates import from_pem
from mintmark_guard.request_url import request_url

_AS_WRITTEN = ("RAW_URI", "REQUEST_URI")
"""Where servers pass on the request target as the client wrote it: gunicorn, Werkzeug, uWSGI, mod_wsgi."""


def request_of(environ: Mapping[str, Any]) -> SentRequest:
    """Read a request. Headers that come twice are one by then, joined by commas, which no token survives."""
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
    """What the other end has shown in TLS, where the server passes that on (mod_ssl, uWSGI); no header is called so."""
    try:
        return from_pem(environ["SSL_CLIENT_CERT"])[0] if environ.get("SSL_CLIENT_CERT") else None
    except ValueError:
        return None
