"""Requests inside a JWT, signed and perhaps encrypted, by value or by reference (OpenID Connect Core 6, RFC 9101)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from service.crypto.client_keys import ALGORITHMS, key_source
from service.crypto.jws import UnverifiableError, parse
from service.issuer import Issuer
from service.outbound.http_client import HttpClientError, Purpose
from service.protocol.errors import (
    InvalidRequest,
    InvalidRequestObject,
    InvalidRequestUri,
    RequestNotSupported,
    RequestUriNotSupported,
)
from service.protocol.names import OPENID
from service.protocol.request_objects import PARAMETERS, check_strictly, check_type
from service.records.client import Client
from service.records.interaction import REDIRECT
from service.tokens.encryption import decrypted
from service.tokens.members import GRANT_MEMBERS

MAX_REQUEST_OBJECT = 16_384
"""The most characters of a request object."""
_NOT_PARAMETERS = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "sub"})
_DEFINED = PARAMETERS | GRANT_MEMBERS.keys()


class Parameters(NamedTuple):
    """The parameters of a request, wherever they came from."""

    single: Mapping[str, str]
    resources: tuple[str, ...]
    """Every ``resource``, of which there may be many."""
    payload: str = ""
    """The claims of the request object, if they came from one, as JSON."""
    channel: str = REDIRECT
    """The channel by which the client gets the answer (``login.channels``)."""
    reference: str = ""
    """The name of the request in its channel."""


async def unpacked(issuer: Issuer, client: Client, outer: Parameters, *, is_pushed: bool = False) -> Parameters:
    """Return the parameters, those of a request object alone (RFC 9101 section 6.3) or in the place of outer ones (Core 6.1).

    Outer ones count in OpenID Connect requests only, which say so in their outer scope, unless requests have to be signed, or
    it was pushed (``is_pushed``, RFC 9126 section 3). Raises the errors of OpenID Connect Core 3.1.2.6 about request objects.
    """
    reference, value = outer.single.get("request_uri"), outer.single.get("request")
    if reference is not None and value is not None:
        raise InvalidRequest("request and request_uri cannot be used together.")
    if reference is not None:
        value = await _fetched(issuer, client, reference)
    must_sign = issuer.settings.require_signed_request_object or client.require_signed_request_object
    if value is None:
        if must_sign:
            raise InvalidRequest("This client has to sign its requests: send them as request or request_uri.")
        return outer
    demands = issuer.demands_on(client)
    strictly = issuer.settings.strict_request_objects or demands.strict_request_objects
    inner = await _verified(issuer, client, value, demands.algorithms, strictly=strictly)
    is_openid = OPENID in outer.single.get("scope", "").split()
    if is_pushed or must_sign or strictly or not is_openid:
        if "client_id" not in inner.single:
            raise InvalidRequestObject("client_id is missing in the request object (RFC 9101 section 6.3).")
        return inner
    _check_response_type(outer.single, inner.single)
    kept = {name: text for name, text in outer.single.items() if name not in ("request", "request_uri")}
    return inner._replace(single={**kept, **inner.single}, resources=inner.resources or outer.resources)


def _check_response_type(outer: Mapping[str, str], inner: Mapping[str, str]) -> None:
    """Check that both name the same response type, in any order of its words (Core 6.1). Raises InvalidRequest."""
    named = {frozenset(one["response_type"].split()) for one in (outer, inner) if "response_type" in one}
    if len(named) > 1:
        raise InvalidRequest("response_type is another one in the request object (OpenID Connect Core 6.1).")


async def _fetched(issuer: Issuer, client: Client, uri: str) -> str:
    """Fetch the request object of a registered request_uri; its fragment only distinguishes versions (Core 6.2)."""
    if issuer.settings.request_objects != "by_reference":
        raise RequestUriNotSupported("The parameter request_uri is not supported.")
    if uri not in client.request_uris:
        raise InvalidRequestUri("The request_uri is not registered for this client.")
    try:
        fetched = await issuer.http_client.get(
            uri.partition("#")[0],
            Purpose.REQUEST_OBJECT,
            accept="application/oauth-authz-req+jwt, application/jwt",
            network=client.openly_registered_network,
        )
        return fetched.content.decode("ascii").strip()
    except (HttpClientError, UnicodeDecodeError) as error:
        raise InvalidRequestUri("The request_uri cannot be fetched.", log=str(error)) from error


async def _verified(
    issuer: Issuer, client: Client, token: str, demanded: frozenset[str] | None, *, strictly: bool
) -> Parameters:
    """Return the claims of the JWT once its signature is verified, by one of the ``demanded`` algorithms, None = any.

    Raises RequestNotSupported, InvalidRequestObject.
    """
    if issuer.settings.request_objects == "off":
        raise RequestNotSupported("The parameter request is not supported.")
    try:
        jws = parse(await decrypted(issuer, token, client), MAX_REQUEST_OBJECT)
    except UnverifiableError as error:
        raise InvalidRequestObject(f"The request object cannot be used: {error}") from error
    if jws.algorithm == "none":
        raise InvalidRequestObject("Request objects must be signed (RFC 9101 section 6.2).")
    check_type(jws.header.get("typ"), strictly=issuer.settings.strict_request_objects)
    registered = client.request_object_signing_alg
    allowed = [name for name in ((registered,) if registered else ALGORITHMS) if demanded is None or name in demanded]
    try:
        claims = await issuer.client_keys.verify(key_source(client), jws, algorithms=allowed)
        _check_parties(issuer, client, claims)
    except UnverifiableError as error:
        raise InvalidRequestObject("The request object cannot be verified.", log=str(error)) from error
    if strictly:
        check_strictly(claims, issuer.clock())
    return parameters_of(client, claims)


def _check_parties(issuer: Issuer, client: Client, claims: Mapping[str, Any]) -> None:
    """Check that it is from the client and for us, where it says so (RFC 9101 section 4)."""
    if claims.get("iss", client.client_id) != client.client_id:
        raise UnverifiableError("iss is not the client")
    audience = claims.get("aud", issuer.url)
    if issuer.url not in (audience if isinstance(audience, list) else [audience]):
        raise UnverifiableError("aud does not name this issuer")


def parameters_of(client: Client, claims: Mapping[str, Any]) -> Parameters:
    """Return claims as parameters: numbers and JSON in the form that they have in a URL.

    Raises InvalidRequestObject; not for a truth value or null without a definition (RFC 6749 section 3.1).
    """
    try:
        payload = msgspec.json.encode(claims).decode()
    except (ValueError, OverflowError, RecursionError) as error:  # unpaired surrogates, numbers, depths
        raise InvalidRequestObject("The request object holds what no parameter can say.") from error
    if claims.get("client_id", client.client_id) != client.client_id:
        raise InvalidRequestObject("client_id in the request object is another client's.")
    if {"request", "request_uri"} & set(claims):
        raise InvalidRequestObject("A request object must not hold request or request_uri (RFC 9101 section 4).")
    single = {
        name: _as_text(name, value)
        for name, value in claims.items()
        if name not in _NOT_PARAMETERS and (name in _DEFINED or not _is_no_text(value))
    }
    resource = claims.get("resource", [])
    resources = tuple(str(one) for one in resource) if isinstance(resource, list) else (str(resource),)
    single.pop("resource", None)
    return Parameters({name: text for name, text in single.items() if text}, resources, payload)


def _is_no_text(value: object) -> bool:
    return isinstance(value, bool) or value is None


def _as_text(name: str, value: object) -> str:
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidRequestObject(f"{name[:40]} in the request object holds a NUL character.")
        return value
    if _is_no_text(value):
        raise InvalidRequestObject(f"{name[:40]} in the request object is neither a text nor a number.")
    if isinstance(value, int):
        return str(value)
    return msgspec.json.encode(value).decode()  # claims is JSON, inside as outside
