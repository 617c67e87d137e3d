"""Alternative names in a client's certificate, as they are registered and compared (RFC 8705 section 2.1.2)."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_LOCAL = re.compile(r"[\x21-\x3f\x41-\x7e]{1,64}")


def dns_name(text: str) -> str:
    """Check a dNSName: ASCII in any case, without a wildcard, which would name many clients. Raises ValueError."""
    if not _is_host(text):
        raise ValueError("must be a host name in ASCII, without wildcard")
    return text.lower()


def uri_name(text: str) -> str:
    """Check a uniformResourceIdentifier, which is compared character by character. Raises ValueError."""
    if not (text.isascii() and text.isprintable()) or " " in text or not urlsplit(text).scheme:
        raise ValueError("must be an absolute URI")
    return text


def ip_name(text: str) -> str:
    """Return an iPAddress in its canonical form (RFC 5952). Raises ValueError."""
    address = ip_address(text)
    if "%" in text:
        raise ValueError("must be an address without a zone")
    return str(address)


def email_name(text: str) -> str:
    """Check an rfc822Name; the case of its host does not matter (RFC 5280 section 7.5). Raises ValueError."""
    local, at, host = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _is_host(host):
        raise ValueError("must be an e-mail address in ASCII")
    return comparable_email(text)


def comparable_email(text: str) -> str:
    """Return an rfc822Name as it is compared, also an invalid one."""
    local, at, host = text.rpartition("@")
    return local + at + host.lower()


def _is_host(text: str) -> bool:
    return len(text) <= 253 and all(map(_LABEL.fullmatch, text.split(".")))
