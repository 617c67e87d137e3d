"""/pushed_auth_req: a pushed authorization request is validated and stored (RFC 9126)."""

import orjson

from service.client_auth import authenticate
from service.endpoints import pushed_authorization as endpoint
from service.fronts.decision_api.call import Call, CallResult, Route
from service.fronts.decision_api.client_json import method_name
from service.fronts.decision_api.client_request import ClientRequestBody, refused_as_unauthorized, request_of
from service.fronts.decision_api.result_codes import ResultCode


async def pushed_authorization(call: Call, body: ClientRequestBody) -> CallResult:
    """Return the response for a client, as from our own endpoint; /auth/authorization accepts its request_uri."""
    request = request_of(call, body, endpoint.PATH)
    authenticated = await authenticate(call.issuer, request)
    decision = await endpoint.answer_client(call.issuer, request, authenticated, by_backend=True)
    members = {
        "responseContent": decision.content.decode(),
        "clientAuthMethod": method_name(authenticated.client),
        "requestUri": orjson.loads(decision.content)["request_uri"],
    }
    return CallResult(ResultCode.PUSHED, members, "CREATED", facts={"client_id": authenticated.client.client_id})


ROUTES = (Route("/pushed_auth_req", pushed_authorization, ClientRequestBody, refused=refused_as_unauthorized),)
