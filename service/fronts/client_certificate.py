"""The certificate of a client's TLS connection: of our own listener, or as a trusted proxy forwards it.

Which of both is never guessed: a proxy of ours speaks for its clients by the header of the settings alone (its own certificate
is not theirs), and from any other peer that header is not looked at.
"""

from aiohttp import web

from service.fronts.peer import is_proxy
from service.protocol.errors import InvalidRequest
from service.protocol.forwarded_certificates import ClientCertificate, forwarded
from service.settings import Settings


def certificate_of(http: web.BaseRequest, settings: Settings) -> ClientCertificate | None:
    """Return the certificate, None where the client showed none. Raises InvalidRequest for a malformed header."""
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
    """What the client has shown to our own listener, if that asked."""
    connection = http.transport.get_extra_info("ssl_object") if http.transport is not None else None
    found: tuple[bytes, ...] = getattr(
        connection, "client_certificates", ()
    )  # only those connections have them that ask
    return ClientCertificate(found[0], found[1:]) if found else None
