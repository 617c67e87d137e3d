"""Distinguished names: parsed from text (RFC 4514) and compared as in X.509 (RFC 5280 section 7.1, RFC 4518)."""

import re
import stringprep
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

Attribute = tuple[str, str]
"""An OID in dots, and a value as it is compared."""
DistinguishedName = tuple[tuple[Attribute, ...], ...]
"""Relative names in the order of the certificate, the largest unit first; several attributes of one in no order."""

MAX_DN = 1024
"""The most characters of a name in text form."""
_OIDS = {
    "CN": "2.5.4.3",
    "SURNAME": "2.5.4.4",
    "SERIALNUMBER": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "S": "2.5.4.8",
    "STREET": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "TITLE": "2.5.4.12",
    "DESCRIPTION": "2.5.4.13",
    "BUSINESSCATEGORY": "2.5.4.15",
    "POSTALCODE": "2.5.4.17",
    "GIVENNAME": "2.5.4.42",
    "INITIALS": "2.5.4.43",
    "DNQUALIFIER": "2.5.4.46",
    "PSEUDONYM": "2.5.4.65",
    "ORGANIZATIONIDENTIFIER": "2.5.4.97",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
    "E": "1.2.840.113549.1.9.1",
    "JURISDICTIONL": "1.3.6.1.4.1.311.60.2.1.1",
    "JURISDICTIONST": "1.3.6.1.4.1.311.60.2.1.2",
    "JURISDICTIONC": "1.3.6.1.4.1.311.60.2.1.3",
    "JURISDICTIONCOUNTRYNAME": "1.3.6.1.4.1.311.60.2.1.3",
}
"""Short names (RFC 4514 section 3, RFC 4519, and those that OpenSSL writes), in capitals; any other is written as an OID."""
_TYPE = re.compile(r"(?:OID\.)?([0-9]+(?:\.[0-9]+)+)|([A-Za-z][A-Za-z0-9-]*)")
_ESCAPED = re.compile(r"\\(?:([0-9A-Fa-f]{2})|([ \"#+,;<=>\\]))")
_HEX = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_TEXTS = {12: "utf-8", 18: "ascii", 19: "ascii", 20: "latin-1", 22: "ascii", 28: "utf-32-be", 30: "utf-16-be"}
"""Tags of ASN.1 strings and how their bytes are read."""
_BLANK = re.compile(r"[\t\n\v\f\r\x85]")


@lru_cache(maxsize=1024)
def parse_dn(text: str) -> DistinguishedName:
    r"""Parse a name in the form of RFC 4514, with the smallest unit first: ``CN=billing\, north,O=Bank+OU=Payments,C=DE``.

    Raises:
        ValueError: It is no such name, is empty, or has an attribute whose short name is not known.
    """
    if len(text) > MAX_DN:
        raise ValueError(f"must have {MAX_DN} characters at most")
    if not text.strip():
        raise ValueError("must not be empty")
    names = [name_of(map(_attribute, _split(part, "+"))) for part in _split(text, ",;")]
    return tuple(reversed(names))


def name_of(attributes: Iterable[tuple[str, str]]) -> tuple[Attribute, ...]:
    """Make a relative name of OIDs and values."""
    return tuple(sorted((oid, prepared(value)) for oid, value in attributes))


def prepared(value: str) -> str:
    """Make a value comparable (RFC 4518 section 2): case, width, number of spaces and encoding do not matter."""
    mapped = (
        " " if stringprep.in_table_c12(one) or _BLANK.fullmatch(one) else stringprep.map_table_b2(one)
        for one in value
        if not (
            stringprep.in_table_b1(one) or (unicodedata.category(one) in ("Cc", "Cf") and not _BLANK.fullmatch(one))
        )
    )
    return " ".join(unicodedata.normalize("NFKC", "".join(mapped)).split())


def _split(text: str, separators: str) -> list[str]:
    """Split at separators that are neither escaped nor in quotes (RFC 2253 section 4 has quotes)."""
    parts, start, at, is_quoted = [], 0, 0, False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == '"':
            is_quoted = not is_quoted
        elif text[at] in separators and not is_quoted:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    if is_quoted:
        raise ValueError("a quotation mark is not closed")
    return [*parts, text[start:]]


def _attribute(text: str) -> tuple[str, str]:
    """Read ``CN=value``. Raises ValueError."""
    kind, equals, written = text.partition("=")
    found = _TYPE.fullmatch(kind.strip())
    if not equals or found is None:
        raise ValueError("must be a distinguished name such as CN=billing,O=Bank,C=DE (RFC 4514)")
    oid = found[1] or _OIDS.get(found[2].upper(), "")
    if not oid:
        raise ValueError(f"{found[2]} is no attribute that is known here: write its OID in dots")
    value = _value(_trimmed(written))
    if not prepared(value):
        raise ValueError(f"{kind.strip()} is empty")
    return oid, value


def _trimmed(written: str) -> str:
    """Remove spaces around a value, except an escaped one at the end."""
    text = written.lstrip(" ")
    bare = text.rstrip(" ")
    escapes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if escapes % 2 and len(bare) < len(text) else bare


def _value(text: str) -> str:
    if text.startswith("#"):
        return _from_ber(text)
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    found, at = bytearray(), 0
    while at < len(text):
        escape = _ESCAPED.match(text, at)
        if escape is not None:
            found += bytes.fromhex(escape[1]) if escape[1] else escape[2].encode()
            at = escape.end()
        elif text[at] in '\\"':
            raise ValueError(
                r"an escape must be \ and a special character or two hexadecimal digits (RFC 4514 section 2.4)"
            )
        else:
            found += text[at].encode()
            at += 1
    return _decoded(bytes(found), "utf-8")


def _from_ber(text: str) -> str:
    """Read ``#`` and the encoded value in hexadecimal digits (RFC 4514 section 2.4). Raises ValueError."""
    found = _HEX.fullmatch(text)
    encoded = bytes.fromhex(found[1]) if found else b""
    encoding = _TEXTS.get(encoded[0]) if encoded else None
    if encoding is None or len(encoded) < 2 or encoded[1] != len(encoded) - 2 or encoded[1] > 127:
        raise ValueError("# must be followed by an encoded string of 127 bytes at most in hexadecimal digits")
    return _decoded(encoded[2:], encoding)


def _decoded(encoded: bytes, encoding: str) -> str:
    try:
        return encoded.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"holds bytes that are no {encoding}") from error
