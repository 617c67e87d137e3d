"""/auth/revocation: the response to a revocation request (RFC 7009)."""

from service.endpoints import revoke
from service.fronts.decision_api.call import Call, CallResult, Route
from service.fronts.decision_api.client_request import ClientRequestBody, refused, request_of
from service.fronts.decision_api.result_codes import ResultCode


async def revocation(call: Call, body: ClientRequestBody) -> CallResult:
    """Authenticate the client and revoke its token, as our own endpoint does; another client's token is left alone."""
    decision = await revoke.decide(call.issuer, request_of(call, body, revoke.PATH))
    return CallResult(ResultCode.REVOKED, {"responseContent": decision.content.decode()}, "OK")


ROUTES = (Route("/auth/revocation", revocation, ClientRequestBody, refused=refused),)
