"""grant_type=authorization_code: a code for tokens, once (RFC 6749 section 4.1.3, RFC 7636, IT-02, WM-03)."""

from collections.abc import Callable
from typing import NamedTuple

from service.issuer import Issuer
from service.protocol import credentials, pkce, redirect_uris, targets
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.protocol.request import Request, always_listening
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.replay import ReplayedError

NAME = GrantTypeName.AUTHORIZATION_CODE
ACTS = False


class Params(NamedTuple):
    code: str
    redirect_uri: str | None
    code_verifier: str | None
    resources: tuple[str, ...]
    address: str = ""
    is_listening: Callable[[], bool] = always_listening


def parse(request: Request) -> Params:
    return Params(
        code=request.required("code"),
        redirect_uri=request.parameters.get("redirect_uri"),
        code_verifier=request.parameters.get("code_verifier"),
        resources=request.resources,
        address=request.address,
        is_listening=request.is_listening,
    )


async def authorize(issuer: Issuer, client: Client, params: Params) -> Authorization:
    """The checks in this order: a wrong client learns nothing and does no harm; a replay by the right one ends the
    grant (P1); a wrong redirect_uri or verifier leaves the code as it is, for the one who has the right ones.
    """
    credential = credentials.parse(params.code)
    if credential is None or credential.kind is not credentials.Kind.AUTHORIZATION_CODE:
        raise InvalidGrant(log="not a code of ours")
    opened = await issuer.store.codes.open_by_code(credential)
    if opened is None:
        raise InvalidGrant(log="code is unknown, expired, or its grant has ended")
    if not client.stands_behind(opened.grant):
        raise InvalidGrant(log="code was issued to another client, or the client's grants were ended")
    record = opened.record
    if record is None and not opened.reply:
        raise ReplayedError("code_replayed", credential, opened.grant)
    if record is not None:
        redirect_uris.check_repeated(params.redirect_uri, record.redirect_uri, was_given=record.redirect_uri_given)
        pkce.check_verifier(params.code_verifier, record.code_challenge, record.code_challenge_method)
    audience = targets.audience(params.resources, opened.grant.audience)
    return Authorization(
        *(opened.grant, opened.grant.scope, audience, opened, params.code),
        address=params.address,
        proof=f"{params.redirect_uri or ''}\0{params.code_verifier or ''}",
        is_listening=params.is_listening,
    )
