"""The wire form of what Mintmark issues, and the hash under which it is kept.

``mm_at_<grant id, 22 characters><secret, 43 characters>``: access token; ``mm_ac_`` authorization code; ``mm_rt_``
refresh token. The grant id is 128 random bits, the secret 256; both base64url. The prefix lets secret scanners find
what leaked, and tells the kinds apart without a look-up. ``mm_cs_<secret>`` is a client secret, ``mm_ra_<secret>`` a
registration access token, ``mm_ia_<secret>`` an initial access token. ``mm_ss_<sid, 22 characters><secret>`` is the cookie
of a browser session. The others are in ``Kind``, from which redaction knows them.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha512
from typing import NamedTuple

GRANT_ID_LENGTH = 22
Randomness = Callable[[int], bytes]
"""``secrets.token_bytes`` or a stand-in: number of bytes → bytes."""


class Kind(StrEnum):
    """The kinds of credentials, by their prefix."""

    AUTHORIZATION_CODE = "mm_ac_"
    ACCESS_TOKEN = "mm_at_"
    REFRESH_TOKEN = "mm_rt_"
    CLIENT_SECRET = "mm_cs_"
    SESSION = "mm_ss_"
    REGISTRATION_TOKEN = "mm_ra_"
    INITIAL_ACCESS_TOKEN = "mm_ia_"
    TICKET = "mm_ti_"
    """What waits for a person, or for a caller of the decision API."""
    BROWSER = "mm_br_"
    """Cookies that tell one browser from another."""
    OPERATOR_SESSION = "mm_os_"
    """The cookie of the console."""
    OPERATOR_TOKEN = "mm_ot_"
    """Of operators, and of callers of the decision API; the settings may hold others, of any form."""
    MASTER_KEY = "mm_mk_"


class Credential(NamedTuple):
    """A presented credential, its form checked: which grant it names, and the hash under which it would be kept."""

    kind: Kind
    grant_id: str
    hash: str


_FORM = re.compile(r"(mm_a[tc]_|mm_rt_|mm_ss_)([A-Za-z0-9_-]{22})[A-Za-z0-9_-]{43}", re.ASCII)
_KINDS = {kind.value: kind for kind in Kind}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
PATTERN = re.compile(rf"(?:{'|'.join(Kind)})[A-Za-z0-9_-]+", re.ASCII)
"""Finds every credential of ours in a text: for redaction."""


def new_grant_id(randomness: Randomness) -> str:
    """128 random bits, 22 characters."""
    return base64url(randomness(16))


def new_credential(kind: Kind, grant_id: str, randomness: Randomness) -> str:
    """A fresh credential of this grant: its secret has 256 random bits."""
    return kind + grant_id + base64url(randomness(32))


def new_client_secret(randomness: Randomness, size: int = 32) -> str:
    """A client secret with 256 random bits, 49 characters; ``size``: how many random bytes, where more are needed."""
    return Kind.CLIENT_SECRET + base64url(randomness(size))


def parse(text: str) -> Credential | None:
    """The parts of a code, access token or refresh token; None where it cannot be one of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return Credential(_KINDS[found[1]], found[2], hashed(text))


def hashed(credential: str) -> str:
    """base64url of the first 16 bytes of SHA-512 over the whole credential, 22 characters (IA-18)."""
    return base64url(sha512(credential.encode("ascii")).digest()[:16])


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")
