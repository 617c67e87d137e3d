"""Scope and audience of a grant that begins at the token endpoint: shared by the grant types that take a scope (WM-13)."""

from service.issuer import Issuer
from service.protocol.requested import Requested
from service.records.client import Client
from service.records.grant import Grant
from service.tokens.authorization import Authorization
from service.tokens.resources import audiences_of, scopes_of


def fresh_authorization(
    issuer: Issuer,
    client: Client,
    grant_type: str,
    requested: Requested,
    subject: str = "",
    username: str = "",
) -> Authorization:
    """Begin a grant, with scope and audience within what the client may have.

    Args:
        issuer: Its settings hold the default scope.
        client: Whom the grant is for.
        grant_type: How it begins, for the record.
        requested: What the client asks for.
        subject: The user, "" for a client grant.
        username: Stored only where it differs from the subject.

    Raises:
        InvalidScope: The scope goes beyond what the client may have.
        InvalidTarget: A resource does.
    """
    settings = issuer.settings
    granted = requested.within(
        scopes_allowed=scopes_of(issuer, client, requested.resources),
        default_scope=settings.default_scope if client.default_scope is None else client.default_scope,
        unknown_scope=settings.unknown_scope,
        audiences=audiences_of(issuer, client),
        default_audience=client.audiences,
    )
    now = int(issuer.clock())
    grant = Grant(
        client_id=client.client_id,
        subject=subject,
        username="" if username == subject else username,
        scope=granted.scope,
        grant_type=str(grant_type),
        client_generation=client.generation,
        issued_at=now if subject else 0,
        audience=granted.audience,
        auth_time=now if subject else 0,
    )
    return Authorization(grant, granted)
