"""grant_type=authorization_code: checks the redemption of a code (RFC 6749 section 4.1.3, RFC 7636, IT-02, WM-03).

It is spent in ``tokens.authorization_codes``, when the tokens are made.
"""

from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol import credentials, pkce, redirect_uris
from service.protocol.binding import UNBOUND
from service.protocol.errors import InvalidGrant, InvalidRequest
from service.protocol.names import ApplicationType, GrantTypeName
from service.records.client import Client
from service.tokens.authorization import Authorization, granted_by
from service.tokens.authorization_codes import PresentedCode
from service.tokens.replay import check_not_replayed
from service.tokens.resources import check_still_open
from service.tokens.token_request import TokenRequest


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Open the code and check what its authorization request fixed.

    The order matters: a wrong client learns nothing and does no harm; a replay by the right one ends the grant (P1); a wrong
    redirect_uri or verifier leaves the code as it is, for the caller who has the right ones.
    """
    request = token_request.request
    code = request.required("code")
    redirect_uri, code_verifier = request.parameters.get("redirect_uri"), request.parameters.get("code_verifier")
    credential = credentials.parse(code)
    if credential is None or credential.kind is not credentials.AUTHORIZATION_CODE:
        raise InvalidGrant(log="not a code of ours")
    opened = await issuer.store.codes.open_by_code(credential)
    if opened is None:
        raise InvalidGrant(log="code is unknown, expired, or its grant has ended")
    if not token_request.client.grant_is_current(opened.grant):
        raise InvalidGrant(log="code was issued to another client, or the client's grants were ended")
    record = opened.record
    presented = PresentedCode(
        credential=credential,
        grant=opened.grant,
        presented=code,
        is_spent=record is None,
        reply=opened.reply,
        record=record,
        spent_key=opened.key,
        proof=f"{redirect_uri or ''}\0{code_verifier or ''}",
        is_listening=request.is_listening,
        binding=UNBOUND if record is None else record.binding,
    )
    check_not_replayed(presented, token_request.binding)
    if record is not None:
        if token_request.client.registration is not None and record.redirect_uri is not None:
            _check_still_registered(record.redirect_uri, token_request.client)
        redirect_uris.check_repeated(redirect_uri, record.redirect_uri, was_given=record.redirect_uri_given)
        pkce.check_verifier(code_verifier, record.code_challenge, record.code_challenge_method)
    return Authorization(
        grant=opened.grant,
        granted=check_still_open(
            issuer, token_request.client, token_request.requested.resources_within(granted_by(opened.grant))
        ),
        spends=presented,
        address=request.address,
    )


def _check_still_registered(redirect_uri: str, client: Client) -> None:
    """Check that a client with a metadata document still has the address of its request. Raises InvalidGrant."""
    is_native = client.application_type is ApplicationType.NATIVE
    try:
        redirect_uris.resolve(redirect_uri, client.redirect_uris, is_native=is_native)
    except InvalidRequest as error:
        raise InvalidGrant(log="the redirect URI of the code is none of the client's any more") from error


GRANT_TYPE = GrantType(
    GrantTypeName.AUTHORIZATION_CODE,
    authorize,
    help="Users sign in with a browser, and the client gets a code for tokens.",
)
