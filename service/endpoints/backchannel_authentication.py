"""The backchannel authentication endpoint (OpenID Connect CIBA Core 1.0 section 7): a client asks a user who is elsewhere."""

import orjson

from service.client_auth import AuthenticatedClient, authenticate
from service.crypto.client_keys import ALGORITHMS
from service.crypto.dpop_proofs import HEADER
from service.endpoints.endpoint import MachineEndpoint, always
from service.hooks.facts import about_backchannel
from service.issuer import Issuer
from service.login import backchannel_requests
from service.login.backchannel_hints import user_of
from service.login.backchannel_requests import BegunBackchannelRequest
from service.login.client_display import name_of
from service.login.request_object import Parameters
from service.protocol.backchannel_request import BackchannelRequest
from service.protocol.decision import Decision, answer
from service.protocol.errors import ProtocolError
from service.protocol.names import DeliveryMode, HookEvent
from service.protocol.profiles import demands_of, refused_delivery_modes
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import confirm
from service.tokens.backchannel_requests import ciba_is_on

NAME = "backchannel_authentication"
PATH = "/backchannel_authentication"
_AUTHENTICATION = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""Parameters that are no part of the request."""


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Store a request for its user, who is notified by a hook, and decides at /approvals. Raises the errors of section 13."""
    authenticated = await authenticate(issuer, request)
    ciba_request = await validated(issuer, request, authenticated)
    client = authenticated.client
    person = await user_of(issuer, client, ciba_request)
    begun = await backchannel_requests.begin(issuer, client, ciba_request, person)
    facts = about_backchannel(begun.reference, begun.waiting, name_of(issuer.settings, client))
    await issuer.hooks.notify(HookEvent.BACKCHANNEL_AUTHENTICATION, **facts)
    issuer.metrics.request(NAME, "ok")
    return acknowledged(issuer, client, begun)


async def validated(
    issuer: Issuer, request: Request, authenticated: AuthenticatedClient, *, by_backend: bool = False
) -> BackchannelRequest:
    """Validate the request of an authenticated client; its assertion and its signed request are used by that.

    Args:
        issuer: Ours.
        request: As it came.
        authenticated: Its client.
        by_backend: Whether a backend signs users in.

    Raises:
        ProtocolError: The errors of section 13.
    """
    checks = list(authenticated.replay_checks)
    single = {name: value for name, value in request.parameters.items() if name not in _AUTHENTICATION}
    outer = Parameters(single, request.resources)
    try:
        ciba_request = await backchannel_requests.validate(
            issuer, authenticated.client, outer, checks, by_backend=by_backend, is_proved=HEADER in request.headers
        )
    except ProtocolError:
        await confirm(checks)  # a client that sends an old assertion learns nothing else
        raise
    await confirm(checks)
    return ciba_request


def acknowledged(issuer: Issuer, client: Client, begun: BegunBackchannelRequest) -> Decision:
    """Return the response (section 7.3); a client whose tokens are delivered needs no interval."""
    body: dict[str, object] = {"auth_req_id": begun.auth_req_id, "expires_in": begun.expires_in}
    if client.delivery_mode is not DeliveryMode.PUSH:
        body["interval"] = issuer.settings.backchannel_interval
    return answer(orjson.dumps(body))


def _metadata(issuer: Issuer) -> dict[str, object]:
    profile = issuer.settings.profile
    demanded, refused = demands_of(profile, None).algorithms, refused_delivery_modes(profile)
    modes = [one.value for one in issuer.settings.backchannel_delivery_modes if one not in refused]
    return {
        "backchannel_authentication_endpoint": issuer.url_of(PATH),
        "backchannel_token_delivery_modes_supported": modes,
        "backchannel_authentication_request_signing_alg_values_supported": [
            name for name in ALGORITHMS if demanded is None or name in demanded
        ],
        "backchannel_user_code_parameter_supported": True,
    }


ENDPOINT = MachineEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, is_on=ciba_is_on, handle=decide)
