"""The certificate of a client's TLS connection, as a trusted proxy forwards it: from no other peer is it believed."""

from base64 import b64decode

from aiohttp import web

from service.fronts.peer import is_proxy
from service.protocol.errors import InvalidRequest
from service.settings import Settings

HEADER = "Client-Cert"


def certificate_of(http: web.BaseRequest, settings: Settings) -> bytes | None:
    """Return the certificate in DER, None where there is none. Raises InvalidRequest for a malformed header (RFC 9440 2.1)."""
    if settings.forwarded_certificate == "off" or HEADER not in http.headers or not is_proxy(http, settings):
        return None
    written = http.headers.getall(HEADER)
    if len(written) == 1 and len(written[0]) > 2 and written[0][0] == written[0][-1] == ":":
        try:
            return b64decode(written[0][1:-1], validate=True)
        except ValueError:  # also of what is not ASCII
            pass
    raise InvalidRequest("The Client-Cert header must be one byte sequence (RFC 9440).")
