"""Types of the input of operators and clients, each with its check: identifiers, texts, URIs, scopes, lifetimes."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from service.protocol import redirect_uris, scopes
from service.protocol.certificate_names import dns_name, email_name, ip_name, uri_name
from service.protocol.claims import MAX_CLAIM_NAME, check_claim_name
from service.protocol.distinguished_names import MAX_DN, parse_dn
from service.protocol.errors import InvalidScope
from service.protocol.redaction import check_no_credential
from service.protocol.required_claims import check_required_claim

_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST = 2_147_483_647


def identifier(text: str) -> str:
    """Check an identifier that programs write, such as a client_id or a subject. Raises ValueError."""
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError("must be 1 to 255 printable ASCII characters without spaces")
    return check_no_credential(text)


def resource(text: str) -> str:
    """Check an audience: an absolute URI without fragment (RFC 8707 section 2) or a plain identifier. Raises ValueError."""
    identifier(text)
    if "#" in text:
        raise ValueError("a resource has no fragment (RFC 8707 section 2)")
    if "//" in text and not (urlsplit(text).scheme and urlsplit(text).netloc):
        raise ValueError("is neither an absolute URI nor a plain identifier")
    return text


def foreign_issuer(text: str) -> str:
    """Check another authorization server's issuer, and behind a # the client's name there. Raises ValueError."""
    issuer, mark, client_id = text.partition("#")
    parts = urlsplit(issuer)
    if parts.scheme not in ("https", "http") or not parts.netloc or parts.query:
        raise ValueError("must be the URL of an issuer (RFC 8414 section 2), and #CLIENT_ID behind it if you like")
    if mark and not client_id:
        raise ValueError("behind # stands the client_id that the client has there")
    return identifier(text)


def readable(text: str) -> str:
    """Check a text that users read. Raises ValueError."""
    if _CONTROL.search(text):
        raise ValueError("must not hold control characters")
    return check_no_credential(text)


def counted(value: object) -> object:
    """Check a number: true and false of JSON are none, though in Python they are numbers. Raises ValueError."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def each_once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the items in their order without repetitions."""
    return tuple(dict.fromkeys(items))


def scope_word(word: str) -> str:
    """Check one scope (RFC 6749 section 3.3). Raises ValueError."""
    try:
        words = scopes.parse(word)
    except InvalidScope as error:
        raise ValueError("printable ASCII without quote and backslash, single words (RFC 6749 section 3.3)") from error
    if words != (word,):
        raise ValueError("must be one word each")
    return check_no_credential(word)


def _redirect_uri(uri: str) -> str:
    return check_no_credential(redirect_uris.check_registrable(uri))


def _web_uri(uri: str) -> str:
    """Check a web URI: https, or http on loopback for development; settings decide what may be fetched."""
    _redirect_uri(uri.partition("#")[0])
    check_no_credential(uri)
    if urlsplit(uri).scheme not in ("http", "https"):
        raise ValueError("must be an https URL")
    return uri


def _plain_web_uri(uri: str) -> str:
    if "#" in uri:
        raise ValueError("must not have a fragment")
    return _web_uri(uri)


def _distinguished_name(text: str) -> str:
    parse_dn(readable(text))
    return text


Identifier = Annotated[str, AfterValidator(identifier)]
Identifiers = Annotated[tuple[Identifier, ...], Field(max_length=100), AfterValidator(each_once)]
ForeignIssuer = Annotated[str, AfterValidator(foreign_issuer)]
ForeignIssuers = Annotated[tuple[ForeignIssuer, ...], Field(max_length=100), AfterValidator(each_once)]
Resource = Annotated[str, AfterValidator(resource)]
Resources = Annotated[tuple[Resource, ...], AfterValidator(each_once)]
ShortText = Annotated[str, Field(max_length=255), AfterValidator(readable)]
LongText = Annotated[str, Field(max_length=2000), AfterValidator(readable)]
ShortTexts = Annotated[tuple[ShortText, ...], Field(max_length=20)]
Number = Annotated[int, BeforeValidator(counted)]
Lifetime = Annotated[Number, Field(ge=1, le=_LONGEST)]
LifetimeOrNever = Annotated[Number, Field(ge=0, le=_LONGEST)]
WebUri = Annotated[str, Field(max_length=2000), AfterValidator(_web_uri)]
PlainWebUri = Annotated[str, Field(max_length=2000), AfterValidator(_plain_web_uri)]
WebUris = Annotated[tuple[WebUri, ...], Field(max_length=100), AfterValidator(each_once)]
RedirectUri = Annotated[str, Field(max_length=2000), AfterValidator(_redirect_uri)]
RedirectUris = Annotated[tuple[RedirectUri, ...], Field(max_length=200), AfterValidator(each_once)]
Scopes = Annotated[tuple[Annotated[str, AfterValidator(scope_word)], ...], AfterValidator(each_once)]
RequiredClaims = Annotated[
    tuple[Annotated[str, Field(max_length=500), AfterValidator(readable), AfterValidator(check_required_claim)], ...],
    Field(max_length=20),
    AfterValidator(each_once),
]
ClaimName = Annotated[str, Field(max_length=MAX_CLAIM_NAME), AfterValidator(check_claim_name)]
ClaimNames = Annotated[tuple[ClaimName, ...], Field(max_length=32), AfterValidator(each_once)]
SubjectDn = Annotated[str, Field(max_length=MAX_DN), AfterValidator(_distinguished_name)]
CertificateDns = Annotated[str, Field(max_length=253), AfterValidator(dns_name)]
CertificateUri = Annotated[str, Field(max_length=2000), AfterValidator(uri_name), AfterValidator(check_no_credential)]
CertificateIp = Annotated[str, Field(max_length=45), AfterValidator(ip_name)]
CertificateEmail = Annotated[
    str, Field(max_length=320), AfterValidator(email_name), AfterValidator(check_no_credential)
]
