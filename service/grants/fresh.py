"""What a grant that begins at the token endpoint is allowed: shared by the grant types that take a scope (WM-13)."""

from service.issuer import Issuer
from service.protocol import scopes, targets
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.records.grant import Grant
from service.tokens.authorization import Authorization


def fresh_authorization(
    issuer: Issuer,
    client: Client,
    grant_type: GrantTypeName,
    scope: str | None,
    resources: tuple[str, ...],
    subject: str = "",
    username: str = "",
) -> Authorization:
    """A grant born now, with scope and audience within what the client may have.

    ``username`` is kept only where it differs from the subject. Raises InvalidScope, InvalidTarget.
    """
    settings = issuer.settings
    default = settings.default_scope if client.default_scope is None else client.default_scope
    granted = scopes.grantable(scope, client.scopes, default, settings.unknown_scope)
    audience = targets.audience(resources, client.audiences)
    now = int(issuer.clock())
    grant = Grant(
        client_id=client.client_id,
        subject=subject,
        username="" if username == subject else username,
        scope=granted,
        grant_type=grant_type.value,
        client_generation=client.generation,
        issued_at=now if subject else 0,
        audience=audience,
        auth_time=now if subject else 0,
    )
    return Authorization(grant, granted, audience)
