"""The wire format of Mintmark's credentials, and the hash under which they are stored.

``mm_at_<grant id, 22 characters><secret, 43 characters>`` is an access token. Each character is base64url, six random bits:
132 of the grant id, 258 of the secret. The prefix lets secret scanners find leaked credentials, and distinguishes the kinds
without a look-up. All kinds are in ``Kind``, from which all code that recognises credentials derives, above all redaction.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha512

import msgspec

GRANT_ID_LENGTH, _SECRET_LENGTH = 22, 43
Randomness = Callable[[int], bytes]
"""``secrets.token_bytes`` or a stand-in: number of bytes → bytes."""
RandomText = Callable[[int], str]
"""Number of characters → characters of base64url, each of six random bits."""


class Kind(StrEnum):
    """The kinds of credentials, by their prefix."""

    has_id: bool
    """Whether the id of its grant, or of its session, precedes the secret."""

    def __new__(cls, prefix: str, has_id: bool = False) -> "Kind":
        """Make a member."""
        kind = str.__new__(cls, prefix)
        kind._value_, kind.has_id = prefix, has_id
        return kind

    AUTHORIZATION_CODE = "mm_ac_", True
    ACCESS_TOKEN = "mm_at_", True
    REFRESH_TOKEN = "mm_rt_", True
    BACKCHANNEL_REQUEST = "mm_bc_", True
    """The auth_req_id of CIBA, with which a client polls for the decision of its user."""
    DEVICE_CODE = "mm_dc_", True
    """The device code, with which a device polls (RFC 8628)."""
    SESSION_COOKIE = "mm_ss_", True
    CLIENT_SECRET = "mm_cs_"
    REGISTRATION_ACCESS_TOKEN = "mm_ra_"
    INITIAL_ACCESS_TOKEN = "mm_ia_"
    TICKET = "mm_ti_"
    """The ticket of an interaction, or of a request that waits for a caller of the decision API."""
    PUSHED_REQUEST = "mm_pr_"
    """A pushed authorization request, in its request_uri (RFC 9126)."""
    BROWSER_COOKIE = "mm_br_"
    """The cookie that distinguishes browsers."""
    OPERATOR_SESSION = "mm_os_"
    """The cookie of the console."""
    OPERATOR_TOKEN = "mm_ot_"
    """A token of operators, or of callers of the decision API; the settings may hold others, of any form."""
    MASTER_KEY = "mm_mk_"


AUTHORIZATION_CODE, ACCESS_TOKEN, REFRESH_TOKEN = Kind.AUTHORIZATION_CODE, Kind.ACCESS_TOKEN, Kind.REFRESH_TOKEN
"""The kinds that requests ask for most: Python 3.11 needs 650 instructions to find a member of an enumeration by its name."""


class Credential(msgspec.Struct, frozen=True):
    """A presented credential whose form is checked: the grant that it names, and the hash under which it is stored."""

    kind: Kind
    grant_id: str
    hash: str


_WITH_ID = "|".join(kind for kind in Kind if kind.has_id)
_FORM = re.compile(rf"({_WITH_ID})([A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}})[A-Za-z0-9_-]{{{_SECRET_LENGTH}}}", re.ASCII)
_KINDS = {kind.value: kind for kind in Kind}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
PATTERN = re.compile(rf"(?:{'|'.join(Kind)})[A-Za-z0-9_-]+", re.ASCII)
"""Finds every credential of ours in a text, for redaction."""


def new_grant_id(text: RandomText) -> str:
    """Make a grant id: 22 characters, 132 random bits; none begins with a dash, which commands would read as options."""
    made = text(GRANT_ID_LENGTH)
    return made if made[0] != "-" else "_" + made[1:]


def new_credential(kind: Kind, grant_id: str, text: RandomText) -> str:
    """Make a credential of this grant, whose secret has 43 characters, 258 random bits."""
    return kind + grant_id + text(_SECRET_LENGTH)


def new_secret(kind: Kind, randomness: Randomness, size: int = 32) -> str:
    """Make a credential without an id: 256 random bits, or ``size`` bytes where more are needed."""
    return kind + base64url(randomness(size))


def parse(text: str) -> Credential | None:
    """Parse a credential that has an id; None where it cannot be one of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return Credential(_KINDS[found[1]], found[2], hashed(text))


def hashed(credential: str) -> str:
    """Return base64url of the first 16 bytes of SHA-512 over the whole credential, 22 characters (IA-18)."""
    return base64url(sha512(credential.encode("ascii")).digest()[:16])


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()
