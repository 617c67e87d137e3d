"""grant_type=password: a person's username and password (RFC 6749 section 4.3, IT-03, WM-05).

Off unless a client is registered for it: RFC 9700 section 2.4 advises against it, and some still need it.
"""

import logging
from typing import NamedTuple

import msgspec

from service.directory import BlockedError, Person
from service.grants.fresh import fresh_authorization
from service.hooks.facts import about_login
from service.issuer import Issuer
from service.protocol.errors import AccessDenied, InvalidGrant
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.user_claims import with_claims

log = logging.getLogger(__name__)

NAME = GrantTypeName.PASSWORD
ACTS = True
MAX_USERNAME = 255


class Params(NamedTuple):
    username: str
    password: str
    scope: str | None
    resources: tuple[str, ...]
    address: str


def parse(request: Request) -> Params:
    return Params(
        username=request.required("username"),
        password=request.required("password"),
        scope=request.parameters.get("scope"),
        resources=request.resources,
        address=request.address,
    )


async def authorize(issuer: Issuer, client: Client, params: Params) -> Authorization:
    """The scope is checked first, so that a wrong one costs no password hashing and counts no failure."""
    fresh_authorization(issuer, client, NAME, params.scope, params.resources)
    try:
        person = await issuer.directory.verify(params.username[: MAX_USERNAME + 1], params.password, params.address)
    except BlockedError as blocked:
        issuer.metrics.security_event(blocked.event)
        log.warning(blocked.event, extra={"client_id": client.client_id, "address": params.address})
        raise InvalidGrant(
            f"Too many failed attempts; try again in {blocked.seconds} seconds.",
            log=blocked.event,
            status=429,
            headers={"Retry-After": str(blocked.seconds)},
        ) from blocked
    if person is None:
        raise InvalidGrant("The username or password is wrong.", log="wrong username or password, or user disabled")
    if issuer.hooks.asks_login:
        await _ask_hooks(issuer, client, params, person)
    begun = fresh_authorization(
        issuer, client, NAME, params.scope, params.resources, subject=person.subject, username=person.username
    )
    grant = await with_claims(issuer, client, begun.grant, person.claims)
    return begun if grant is begun.grant else msgspec.structs.replace(begun, grant=grant)


async def _ask_hooks(issuer: Issuer, client: Client, params: Params, person: Person) -> None:
    """Raises InvalidGrant where a hook says no: what keeps somebody out of a browser keeps them out here."""
    about = about_login(person.subject, person.username, params.address, how=NAME.value, client_id=client.client_id)
    try:
        await issuer.hooks.check_login(about)
    except AccessDenied as error:
        raise InvalidGrant(error.description, log=error.log) from error
