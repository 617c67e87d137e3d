"""Identity assertion grants (ID-JAG): their own claims (draft-ietf-oauth-identity-assertion-authz-grant).

The JWT bearer grant redeems them: each for one client, which has authenticated, and for no more than they name.
"""

from typing import Any

from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol import scopes, targets
from service.protocol.authorization_details import NAME, checked
from service.protocol.binding import Binding
from service.protocol.errors import InvalidAuthorizationDetails, UnauthorizedClient
from service.protocol.requested import Requested
from service.records.client import Client
from service.tokens.assertions import UnverifiedAssertion
from service.tokens.members import GRANT_MEMBERS
from service.tokens.members.authorization_details import check
from service.tokens.token_request import TokenRequest

_MAX_SCOPE = 4096
"""The most characters of a claim."""


def check_id_jag(issuer: Issuer, token_request: TokenRequest, assertion: UnverifiedAssertion) -> None:
    """Check the claims of an ID-JAG before its signature is verified.

    Raises:
        UnverifiableError: It is for another client or server, or lacks a claim.
        UnauthorizedClient: The client has not authenticated.
        InvalidAuthorizationDetails: The request names some beside it.
    """
    claims, client = assertion.jws.claims(), token_request.client
    if client.public:
        raise UnauthorizedClient("An ID-JAG is for confidential clients only.")
    if assertion.issuer == issuer.url:
        raise UnverifiableError("this service gives no tokens for an ID-JAG of its own")
    if claims.get("client_id") not in (client.client_id, client.alias or client.client_id):
        raise UnverifiableError("client_id is another one than that of the client")
    if claims.get("aud") not in (issuer.url, [issuer.url]):
        raise UnverifiableError(f"aud must be {issuer.url}, and nothing beside it")
    missing = [name for name in ("jti", "iat", "exp") if claims.get(name) is None]
    if missing:
        raise UnverifiableError(f"it needs {' and '.join(missing)}")
    if not _binding_of(claims).is_proved_by(token_request.binding):
        raise UnverifiableError("it is bound to a key that the request does not prove to hold")
    if not GRANT_MEMBERS.keys().isdisjoint(token_request.request.parameters):
        raise InvalidAuthorizationDetails("An ID-JAG itself names its authorization_details.")


def bounds_of(assertion: UnverifiedAssertion, requested: Requested) -> Requested:
    """Limit what is requested to what an ID-JAG names. Raises UnverifiableError, InvalidScope, InvalidTarget."""
    claims = assertion.jws.claims()
    scope, resource = claims.get("scope"), claims.get("resource")
    if scope is not None and not (isinstance(scope, str) and 0 < len(scope) <= _MAX_SCOPE):
        raise UnverifiableError("scope must be a string, and not empty")
    named = [resource] if isinstance(resource, str) else resource
    if named is not None and not (
        isinstance(named, list) and named and all(isinstance(name, str) and name for name in named)
    ):
        raise UnverifiableError("resource must be a string or an array of strings, and not empty")
    return Requested(
        scope=requested.scope if scope is None else scopes.narrowed(requested.scope, scope),
        resources=requested.resources if named is None else targets.audience(requested.resources, tuple(named)),
    )


def details_of(issuer: Issuer, client: Client, assertion: UnverifiedAssertion) -> dict[str, Any]:
    """Return the authorization details that an ID-JAG names, as a member of its grant; no hook is asked yet.

    Raises UnverifiableError, and InvalidAuthorizationDetails where the client may not have them.
    """
    named = assertion.jws.claims().get(NAME)
    if named is None:
        return {}
    try:
        details = checked(named)
    except InvalidAuthorizationDetails as error:  # of an assertion, RFC 7521 section 4.1.1 demands invalid_grant
        raise UnverifiableError(error.description) from error
    check(issuer, client, details)
    return {NAME: details}


def _binding_of(claims: dict[str, Any]) -> Binding:
    """Return the key that it is bound to. Raises UnverifiableError for one whose kind of proof is unknown."""
    cnf = claims.get("cnf")
    if cnf is None:
        return Binding()
    if not isinstance(cnf, dict) or not cnf or cnf.keys() - {"jkt", "x5t#S256"}:
        raise UnverifiableError("it is bound to a key in a way that is unknown here")
    if not all(isinstance(value, str) and value for value in cnf.values()):
        raise UnverifiableError("it is bound to a key in a way that is unknown here")
    return Binding.of(cnf)
