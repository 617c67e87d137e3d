"""Inspection of our own opaque credentials: access tokens, refresh tokens, codes, and credentials for polling."""

from service.admin.inspection.finding import Inspection, What, Why, with_client, with_grant
from service.issuer import Issuer
from service.protocol.credentials import Credential, Kind
from service.protocol.names import GrantTypeName
from service.records.polled_request import PolledRequest
from service.tokens.access_tokens import handle_of
from service.tokens.opening import sources_are_current
from service.tokens.polled_requests import unsealed


async def inspect_access_token(issuer: Issuer, token: Credential) -> Inspection:
    """Inspect an opaque access token, or the record of a JWT."""
    opened = await issuer.store.tokens.open_by_token(token)
    if opened is None:
        return await _over(issuer, What.ACCESS_TOKEN, token)
    found = await with_grant(issuer, Inspection(What.ACCESS_TOKEN, grant_id=token.grant_id), opened.grant)
    if not await sources_are_current(issuer, opened):
        found = found._replace(why=(*found.why, Why.SOURCE_ENDED))
    return found._replace(
        scope=opened.scope,
        audience=opened.audience,
        issued_at=opened.record.issued_at,
        ends_at=opened.ends_at,
        jti=handle_of(token),
        bound_to=opened.record.binding.cnf,
    )


async def _refresh_token(issuer: Issuer, token: Credential) -> Inspection:
    opened = await issuer.store.tokens.open_by_refresh(token, with_end=True)
    if opened is None:
        return await _over(issuer, What.REFRESH_TOKEN, token)
    found = await with_grant(
        issuer, Inspection(What.REFRESH_TOKEN, grant_id=token.grant_id), opened.grant, GrantTypeName.REFRESH_TOKEN
    )
    if opened.record is None:  # used: ends_at would be that of the replay record
        return found._replace(why=(Why.USED, *found.why))
    return found._replace(
        issued_at=opened.record.issued_at,
        ends_at=opened.ends_at or 0,
        refreshes_left=opened.record.refreshes_left,
        bound_to=opened.record.binding.cnf,
    )


async def _authorization_code(issuer: Issuer, code: Credential) -> Inspection:
    opened = await issuer.store.codes.open_by_code(code, with_end=True)
    if opened is None:
        return await _over(issuer, What.AUTHORIZATION_CODE, code)
    found = await with_grant(
        issuer,
        Inspection(What.AUTHORIZATION_CODE, grant_id=code.grant_id),
        opened.grant,
        GrantTypeName.AUTHORIZATION_CODE,
    )
    if opened.record is None:
        return found._replace(why=(Why.USED, *found.why))
    bound_to = opened.record.binding.cnf
    return found._replace(redirect_uri=opened.record.redirect_uri or "", ends_at=opened.ends_at or 0, bound_to=bound_to)


async def _polled_request(issuer: Issuer, credential: Credential) -> Inspection:
    seen = await issuer.store.polled_requests.look(credential)
    if seen is None:
        return await _over(issuer, What.POLLED_REQUEST, credential)
    found = Inspection(What.POLLED_REQUEST, grant_id=credential.grant_id, ends_at=seen.ends_at)
    if seen.state == "waiting" and (record := unsealed(issuer, seen.content, PolledRequest)) is not None:
        request = record.request
        found = found._replace(why=(Why.UNDECIDED,), scope=request.scope, audience=request.audience)
        return await with_client(issuer, found, request.client_id, record.client_generation)
    if seen.state == "denied":
        return found._replace(why=(Why.DENIED,))
    if seen.grant is None:
        return found._replace(why=(Why.GRANT_ENDED,))
    return await with_grant(issuer, found._replace(why=(Why.USED,) if seen.state == "spent" else ()), seen.grant)


OPENERS = {
    Kind.ACCESS_TOKEN: inspect_access_token,
    Kind.REFRESH_TOKEN: _refresh_token,
    Kind.AUTHORIZATION_CODE: _authorization_code,
    Kind.DEVICE_CODE: _polled_request,
    Kind.BACKCHANNEL_REQUEST: _polled_request,
}


async def _over(issuer: Issuer, what: What, token: Credential) -> Inspection:
    """Inspect a credential that does not exist any more; the grant that it names may still show whose it was."""
    listed = await issuer.store.grants.open(token.grant_id)
    if listed is None:
        return Inspection(what, (Why.GRANT_ENDED,), grant_id=token.grant_id)
    found = await with_grant(issuer, Inspection(what, grant_id=token.grant_id), listed.grant)
    return found._replace(why=(Why.ENDED, *found.why))
