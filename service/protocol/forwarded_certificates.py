"""The header in which a proxy forwards the certificate of a client's TLS connection, in the form of each proxy.

Which proxies are trusted is decided elsewhere. A proxy must remove a header of this name that a client sent.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

MAX_CHAIN = 8
"""The most certificates in addition to the client's own."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII)
"""The pattern has one repetition, without hyphens, so that a block without an end takes linear time only."""
_MAX_PEM = 262_144
"""The most characters of PEM: more than a longest chain of largest certificates has."""
_BLANK = re.compile(r"\s+")
_MEMBER = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)', re.ASCII)
CHAIN_HEADER = "Client-Cert-Chain"


class ClientCertificate(msgspec.Struct, frozen=True):
    """The certificate, in DER, by which a client proved in TLS that it holds a key."""

    certificate: bytes
    chain: tuple[bytes, ...] = ()
    """Certificates that came with it, the nearest first; they are not verified."""


Headers = Callable[[str], list[str]]
"""The values of a header, by its name."""


@dataclass(frozen=True, slots=True)
class HeaderForm:
    """The form of one proxy."""

    header: str
    """The usual name of the header."""
    read: Callable[[str, Headers], ClientCertificate]
    """Read the certificate from the value of that header and the other headers. Raises ValueError."""


def forwarded(form: str, header: str, headers: Headers) -> ClientCertificate | None:
    """Read the certificate of a request that came through a trusted proxy.

    Args:
        form: A name in ``FORMS``.
        header: The name of the header, "" for the usual one of the form.
        headers: Of the request.

    Returns:
        The certificate, None where the client had none.

    Raises:
        ValueError: The header comes twice, or is not in that form: a client wrote it, or the settings name another proxy.
    """
    known = FORMS[form]
    name = header or known.header
    values = headers(name)
    if not values or values == [""]:
        return None
    if len(values) > 1:
        raise ValueError(f"{name} must come once")
    try:
        return known.read(values[0], headers)
    except ValueError as error:
        raise ValueError(f"{name} is not what {form} writes: {error}") from error


def from_pem(text: str) -> list[bytes]:
    """Read certificates in PEM (RFC 7468). Raises ValueError if the text holds anything else."""
    if len(text) > _MAX_PEM:
        raise ValueError(f"it has more than {_MAX_PEM} characters")
    blocks = _PEM.findall(text)
    if not blocks or _PEM.sub("", text).strip():
        raise ValueError("it is no certificate in PEM")
    return [_decoded(_BLANK.sub("", block)) for block in blocks]


def _structured(value: str, headers: Headers) -> ClientCertificate:
    """Read ``:base64:``, and the chain as a list of these (RFC 9440 section 2)."""
    chain = [one.strip(" \t") for line in headers(CHAIN_HEADER) for one in line.split(",")]
    return _of([_byte_sequence(one) for one in (value, *chain)])


def _byte_sequence(text: str) -> bytes:
    """Read a byte sequence (RFC 8941 section 3.3.5). Raises ValueError."""
    if len(text) <= 2 or not text[0] == text[-1] == ":":
        raise ValueError("it is no byte sequence (RFC 9440)")
    return _decoded(text[1:-1])


def _escaped_pem(value: str, _: Headers) -> ClientCertificate:
    """Read ``$ssl_client_escaped_cert``: percent-encoded PEM."""
    return _of(from_pem(unquote(value, errors="strict")))


def _xfcc(value: str, _: Headers) -> ClientCertificate:
    """Read ``Hash=…;Cert="…";Chain="…"`` with percent-encoded PEM; each further proxy adds an element after a comma."""
    members: dict[str, str] = {}
    at = 0
    while at < len(value):
        found = _MEMBER.match(value, at)
        if found is None:
            raise ValueError("it has no members name=value")
        name = found[1].lower()
        if name in ("cert", "chain") and name in members:
            raise ValueError(f"it names {name} twice")
        members[name] = found[2].strip('"')
        at = found.end()
        if value[at : at + 1] == ",":
            raise ValueError("it has several elements: let the first proxy set it anew (SANITIZE_SET)")
        if at < len(value) and value[at] != ";":
            raise ValueError("members are separated by semicolons")
        at += 1
    if "cert" not in members:
        raise ValueError("it has no Cert: have the proxy write it (set_current_client_cert_details)")
    own = from_pem(unquote(members["cert"], errors="strict"))
    chain = from_pem(unquote(members["chain"], errors="strict")) if members.get("chain") else []
    return _of([*own, *(one for one in chain if one not in own)])


def _bare_pem(value: str, _: Headers) -> ClientCertificate:
    """Read PEM without its first and last line and line breaks, percent-encoded by older releases; the chain after commas."""
    return _of([_decoded(one) for one in unquote(value, errors="strict").split(",")])


def _decoded(text: str) -> bytes:
    try:
        found = b64decode(text, validate=True)
    except ValueError as error:  # also for text that is not ASCII
        raise ValueError("it is not base64") from error
    if not found:
        raise ValueError("it is empty")
    return found


def _of(found: list[bytes]) -> ClientCertificate:
    if len(found) > MAX_CHAIN + 1:
        raise ValueError(f"it has more than {MAX_CHAIN} further certificates")
    return ClientCertificate(found[0], tuple(found[1:]))


FORMS: Mapping[str, HeaderForm] = {
    "rfc9440": HeaderForm("Client-Cert", _structured),
    "nginx": HeaderForm("ssl-client-cert", _escaped_pem),
    "envoy": HeaderForm("X-Forwarded-Client-Cert", _xfcc),
    "traefik": HeaderForm("X-Forwarded-Tls-Client-Cert", _bare_pem),
}
