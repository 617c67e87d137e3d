"""grant_type=password: a user's username and password (RFC 6749 section 4.3, IT-03, WM-05).

Off unless a client is registered for it: RFC 9700 section 2.4 advises against it, and some still need it.
"""

import logging

import msgspec

from service.directory import BlockedError, Person
from service.grants.beginning_grants import fresh_authorization
from service.grants.grant_type import GrantType
from service.hooks.facts import about_login
from service.issuer import Issuer
from service.protocol.errors import AccessDenied, InvalidGrant
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.token_request import TokenRequest
from service.tokens.user_claims import with_claims

log = logging.getLogger(__name__)

MAX_USERNAME = 255


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Verify username and password. The scope is checked first: a wrong one costs no password hashing and counts no failure."""
    request, client, requested = token_request.request, token_request.client, token_request.requested
    username, password, address = request.required("username"), request.required("password"), request.address
    fresh_authorization(issuer, client, GrantTypeName.PASSWORD, requested)
    try:
        person = await issuer.directory.verify(username[: MAX_USERNAME + 1], password, address)
    except BlockedError as blocked:
        issuer.metrics.security_event(blocked.event)
        log.warning(blocked.event, extra={"client_id": client.client_id, "address": address})
        raise InvalidGrant(
            f"Too many failed attempts; try again in {blocked.seconds} seconds.",
            log=blocked.event,
            status=429,
            headers={"Retry-After": str(blocked.seconds)},
        ) from blocked
    if person is None:
        raise InvalidGrant("The username or password is wrong.", log="wrong username or password, or user disabled")
    if issuer.hooks.asks_login:
        await _ask_hooks(issuer, client, address, person)
    begun = fresh_authorization(
        issuer, client, GrantTypeName.PASSWORD, requested, subject=person.subject, username=person.username
    )
    grant = await with_claims(issuer, client, begun.grant, person.claims)
    return begun if grant is begun.grant else msgspec.structs.replace(begun, grant=grant)


async def _ask_hooks(issuer: Issuer, client: Client, address: str, person: Person) -> None:
    """Ask the hooks for logins. Raises InvalidGrant where one refuses, as it would in a browser."""
    how = GrantTypeName.PASSWORD.value
    about = about_login(person.subject, person.username, address, how=how, client_id=client.client_id)
    try:
        await issuer.hooks.check_login(about)
    except AccessDenied as error:
        raise InvalidGrant(error.description, log=error.log) from error


GRANT_TYPE = GrantType(
    GrantTypeName.PASSWORD,
    authorize,
    help="The client sees its users' passwords. For old clients only.",
    has_side_effects=True,
)
