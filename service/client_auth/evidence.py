"""The evidence that a request offers for its client, collected once, whatever method the client is registered for."""

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from urllib.parse import unquote, unquote_plus

import msgspec

from service.crypto.client_keys import ALGORITHMS
from service.crypto.jws import UnverifiableError
from service.protocol.errors import InvalidClient, InvalidRequest
from service.protocol.request import Request
from service.tokens import assertions
from service.tokens.assertions import UnverifiedAssertion

_KNOWN = (*ALGORITHMS, *assertions.HMAC)
_READ_BY_TYPE: Mapping[str, Callable[[str], UnverifiedAssertion]] = {
    assertions.CLIENT_ASSERTION: partial(assertions.read, types=assertions.CLIENT_TYPES),
    assertions.SPIFFE_ASSERTION: assertions.read_svid,
}


class EvidenceKind(StrEnum):
    """The kind of evidence, named by the RFCs' method for it."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    HMAC_ASSERTION = "client_secret_jwt"
    SIGNED_ASSERTION = "private_key_jwt"
    CLIENT_ID = "none"
    """A client_id without any proof."""


_POSTED = EvidenceKind.POST


class ClientEvidence(msgspec.Struct, frozen=True):
    """The claimed client, and the evidence for it."""

    kind: EvidenceKind
    client_id: str
    request: Request
    """A method may examine more of the request: a header, the client's certificate."""
    secrets: tuple[str, ...] = ()
    """Spellings of the secret, one of which must be right."""
    assertion: UnverifiedAssertion | None = None
    other_names: tuple[str, ...] = ()
    """Further spellings of client_id, in case the first one is unknown."""


def collect(request: Request) -> ClientEvidence:
    """Find the one kind of evidence in a request (RFC 6749 section 2.3).

    Raises:
        InvalidClient: There is none, or it is malformed.
        InvalidRequest: There is more than one.
    """
    found: ClientEvidence | None = None
    for read in READERS:
        evidence = read(request)
        if evidence is not None and found is not None:
            raise InvalidRequest("More than one method of client authentication is used; use exactly one.")
        found = evidence or found
    if found is not None:
        return found
    client_id = request.parameters.get("client_id")
    if client_id is None:
        raise InvalidClient("No client authentication: send client_id, and the secret of a confidential client.")
    return ClientEvidence(EvidenceKind.CLIENT_ID, client_id, request)


def _basic(request: Request) -> ClientEvidence | None:
    """HTTP Basic (RFC 6749 section 2.3.1, RFC 7617, IT-11); every Authorization header is an attempt (AU-04).

    client_id and secret are form-urlencoded inside; many clients forget that, so each is tried in every spelling.
    """
    if request.authorization is None:
        return None
    scheme, _, encoded = request.authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("The Authorization header must use the Basic scheme.")
    try:
        client_id, colon, secret = b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient("The Authorization header is not Basic with base64 of client_id:secret.") from error
    if not colon or not client_id:
        raise InvalidClient("The Authorization header holds no client_id and secret.")
    names = _spellings(client_id)
    return ClientEvidence(EvidenceKind.BASIC, names[0], request, _spellings(secret), other_names=names[1:])


def _spellings(text: str) -> tuple[str, ...]:
    """Return the possible readings: form-urlencoded as the RFC says, percent-encoded with a plain ``+``, or not at all."""
    if "%" not in text and "+" not in text:
        return (text,)
    return tuple(dict.fromkeys((unquote_plus(text), unquote(text), text)))


def _post(request: Request) -> ClientEvidence | None:
    """client_id and client_secret in the form (RFC 6749 section 2.3.1)."""
    secret = request.parameters.get("client_secret")
    return None if secret is None else ClientEvidence(_POSTED, request.required("client_id"), request, (secret,))


def _assertion(request: Request) -> ClientEvidence | None:
    """An assertion (RFC 7521 section 4.2, RFC 7523 section 2.2).

    The client is its ``sub``, or the one in client_id, where another issuer asserts it.
    """
    token = request.parameters.get("client_assertion")
    if token is None:
        return None
    algorithm = assertions.algorithm_of(token)
    if algorithm not in _KNOWN:
        raise InvalidClient(f"The client assertion must be a JWT signed with one of {', '.join(_KNOWN)}")
    read = _READ_BY_TYPE.get(request.parameters.get("client_assertion_type", ""))
    if read is None:
        raise InvalidClient(f"client_assertion_type must be {' or '.join(_READ_BY_TYPE)}")
    try:
        unverified = read(token)
    except UnverifiableError as error:
        raise InvalidClient(unusable(error)) from error
    kind = EvidenceKind.HMAC_ASSERTION if algorithm in assertions.HMAC else EvidenceKind.SIGNED_ASSERTION
    is_own = unverified.issuer == unverified.subject  # RFC 7523 section 3; else a platform asserts it of a workload
    client_id = unverified.subject if is_own else request.parameters.get("client_id", unverified.subject)
    return ClientEvidence(kind, client_id, request, assertion=unverified)


def unusable(error: UnverifiableError) -> str:
    """Return the client's error about its assertion, with the reason: its sender has nothing to guess."""
    return f"The client assertion cannot be used: {error}"


READERS: tuple[Callable[[Request], ClientEvidence | None], ...] = (_basic, _post, _assertion)
"""Each reader finds its kind of evidence, or None. They raise InvalidClient or InvalidRequest where it is malformed."""
