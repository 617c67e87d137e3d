"""Reasons why a call to another server failed, in words for operators."""

import os
import socket
import ssl

import aiohttp


def reason(error: BaseException) -> str:
    """Return what goes on behind the name of the server: ``cannot be reached: connection refused``.

    It holds nothing of the URL, whose path and query may be secrets, and no names of Python.
    """
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {_of_certificate(error)}"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return f"cannot be reached by TLS: {_of_tls(error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return "cannot be reached: its name has no address"
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, OSError):
        return f"cannot be reached: {os.strerror(error.errno).lower() if error.errno else 'no connection'}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed the connection without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "broke its answer off"
    if isinstance(error, aiohttp.ClientResponseError):
        return "gave an answer that is not HTTP"
    return "cannot be called by this URL"


def _of_certificate(error: BaseException) -> str:
    found = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    return str(getattr(found, "verify_message", "it cannot be verified"))


def _of_tls(error: BaseException) -> str:
    found = error.os_error if isinstance(error, aiohttp.ClientSSLError) else error
    return str(getattr(found, "reason", None) or "the handshake failed").lower().replace("_", " ")
