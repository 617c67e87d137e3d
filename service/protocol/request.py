"""Requests as endpoints get them: parsed once, independent of HTTP, and trusted from then on."""

from binascii import a2b_qp
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

import msgspec

from service.protocol.errors import InvalidRequest
from service.protocol.forwarded_certificates import ClientCertificate

MAX_PARAMETERS = 64
REPEATABLE = frozenset({"resource", "audience"})
"""Parameters that may appear more than once (RFC 8707 section 2, RFC 8693 section 2.1)."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def always_listening() -> bool:
    """Return True, for a request whose connection is not known."""
    return True


class Request(msgspec.Struct, frozen=True):
    """The parts of a request that the protocol uses."""

    parameters: Mapping[str, str]
    """Name to value; empty values are left out (RFC 6749 section 3.1: as if omitted)."""
    authorization: str | None = None
    """The Authorization header, of which there is one at most."""
    address: str = ""
    """The client's IP address as text, or that of the backend that passes its request on."""
    resources: tuple[str, ...] = ()
    """Every ``resource`` in order (RFC 8707)."""
    ignore_client_id: bool = False
    """Whether a client_id next to HTTP authentication is ignored, as documented for the path (WM-08)."""
    method: str = "POST"
    """The HTTP method."""
    url: str = ""
    """The endpoint's URL under the issuer, without query."""
    mtls_url: str = ""
    """The endpoint's URL for mutual TLS (RFC 8705 section 5), "" if it has no other one."""
    headers: Mapping[str, str] = NO_HEADERS
    """The HTTP headers as the server read them: names in any case, values unchecked."""
    certificate: ClientCertificate | None = None
    """The client's certificate, from TLS or a trusted proxy."""
    content: bytes = b""
    """The body where it is no form, such as the JSON of client registration."""
    is_listening: Callable[[], bool] = always_listening
    """Returns whether the connection for the response is still open."""
    audiences: tuple[str, ...] = ()
    """Every ``audience`` in order (RFC 8693)."""
    by_backend: bool = False
    """Whether a backend passes it on: then nobody knows the client's address, and no client may be blocked by that of all."""

    def required(self, name: str) -> str:
        """Return the value of a parameter. Raises InvalidRequest where it is missing or empty."""
        value = self.parameters.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value

    def lines_of(self, header: str) -> Sequence[str]:
        """Return every line of a header, as they were sent."""
        every = getattr(self.headers, "getall", None)  # of HTTP; a call of the decision API has one of each
        if every is None:
            return [self.headers[header]] if header in self.headers else ()
        lines: Sequence[str] = every(header, ())
        return lines


class Form(msgspec.Struct):
    """A parsed form: the parameters by name, with the first value of repeatable ones, and all values of the repeatable ones."""

    parameters: dict[str, str] = {}
    resources: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()


def parse_form(body: bytes, most: int = MAX_PARAMETERS) -> Form:
    """Parse ``application/x-www-form-urlencoded`` in UTF-8 (RFC 6749 appendix B).

    A parameter given twice is an error even where one of them is empty (RFC 6749 3.2), whatever its name. Raises
    InvalidRequest for that, for more than ``most`` parameters, bad UTF-8 and NUL characters.
    """
    parameters = _usual_form(body, most)
    return any_form(body, most) if parameters is None else Form(parameters)


def any_form(body: bytes, most: int = MAX_PARAMETERS) -> Form:
    """Parse any form, with the result of ``parse_form``, but more slowly."""
    if b"\x00" in body or b"%00" in body:
        raise InvalidRequest("The body contains a NUL character.")
    form = Form()
    seen: set[str] = set()
    for name, value in _pairs(body, most):
        if name == "resource":
            form.resources += (value,) if value else ()
            continue
        if name == "audience":
            if value:
                form.audiences += (value,)
                form.parameters.setdefault(name, value)
            continue
        if name in seen:
            raise InvalidRequest(f"The parameter {name[:40]} is given more than once.")
        seen.add(name)
        if value:
            form.parameters[name] = value
    return form


def _usual_form(body: bytes, most: int) -> dict[str, str] | None:
    """Parse a form as clients usually send it; None where it is unusual, or may be malformed.

    Usual are names with one value each, none of them repeatable, and only values are encoded.
    """
    try:
        text = body.decode("ascii").replace("+", " ")
        parts = text.split("&", most)
        parameters = dict([part.split("=", 1) for part in parts])
        if "%" in text:
            if "%" in "".join(parameters):
                return None
            for name, value in parameters.items():
                if "%" in value:
                    parameters[name] = _unquoted(value)
    except ValueError:  # not ASCII, not UTF-8, or a part without a value
        return None
    is_whole = len(parameters) == len(parts) <= most and "\x00" not in text
    has_values = "" not in parameters.values()
    return parameters if is_whole and has_values and parameters.keys().isdisjoint(REPEATABLE) else None


def _unquoted(value: str) -> str:
    """Decode percent-encoding. Raises ValueError where a percent sign begins no escape, for NUL, or for bad UTF-8.

    Quoted-printable has the same escapes after another sign, and is decoded in C (RFC 2045 section 6.7).
    """
    if "=" in value or not value.isprintable():
        raise ValueError("not encoded as clients do it")
    decoded = a2b_qp(value.replace("%", "="))
    if len(decoded) != len(value) - 2 * value.count("%") or b"\0" in decoded:
        raise ValueError("a percent sign that begins no escape, or a NUL character")
    return decoded.decode()


def _pairs(body: bytes, most: int) -> list[tuple[str, str]]:
    if not body:
        return []
    if body.count(b"&") >= most:
        raise InvalidRequest(f"The request has more than {most} parameters.")
    try:
        text = body.decode("ascii")
        parts = [part.partition("=") for part in text.split("&") if part]
        if "%" in text or "+" in text:
            return [(_plain(name), _plain(value)) for name, _, value in parts]
        return [(name, value) for name, _, value in parts]
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not application/x-www-form-urlencoded UTF-8.") from error


def _plain(text: str) -> str:
    """Decode a text where it has escapes. Raises UnicodeDecodeError."""
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text
