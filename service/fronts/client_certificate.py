"""The certificate of a client's TLS connection: from our own listener, or forwarded by a trusted proxy.

A trusted proxy forwards the certificates of its clients only by the header of the settings; its own certificate is not
theirs. From any other peer that header is ignored.
"""

from aiohttp import web

from service.fronts.peer import is_proxy
from service.protocol.errors import InvalidRequest
from service.protocol.forwarded_certificates import ClientCertificate, forwarded
from service.settings import Settings


def certificate_of(http: web.BaseRequest, settings: Settings) -> ClientCertificate | None:
    """Return the certificate, None where the client sent none. Raises InvalidRequest for a malformed header."""
    if not settings.takes_client_certificates:
        return None
    if not is_proxy(http, settings):
        return _of_connection(http)
    if settings.forwarded_certificate == "off":
        return None
    try:
        return forwarded(
            settings.forwarded_certificate,
            settings.forwarded_certificate_header,
            lambda name: list(http.headers.getall(name, ())),
        )
    except ValueError as error:
        raise InvalidRequest(f"The client certificate cannot be read: {error}") from error


def _of_connection(http: web.BaseRequest) -> ClientCertificate | None:
    """Return the certificate that the client sent to our own listener, if that asked for one."""
    connection = http.transport.get_extra_info("ssl_object") if http.transport is not None else None
    found: tuple[bytes, ...] = getattr(connection, "client_certificates", ())  # only connections that ask have them
    return ClientCertificate(found[0], found[1:]) if found else None
