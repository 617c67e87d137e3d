"""The authorization endpoint (RFC 6749 3.1, OpenID Connect Core 3.1.2): answer the client, or ask the person first."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from service.crypto.client_keys import ALGORITHMS
from service.endpoints.browser_session import browser_of, failed, session_of
from service.endpoints.endpoint import BrowserEndpoint, always
from service.endpoints.request_object import Parameters, unpacked
from service.issuer import Issuer
from service.login.error_response import send_error
from service.login.interaction import begin, verified_of
from service.login.tickets import CrowdedError
from service.observe.current import note_client
from service.protocol import authorization_request
from service.protocol.authorization_request import AuthorizationRequest, Rules, Verified
from service.protocol.authorization_response import deliver, error_fields
from service.protocol.browsing import FormPost, Page, Redirect, Reply, Visit
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.names import GrantTypeName, Prompt, ResponseMode, ResponseType
from service.records.client import Client

log = logging.getLogger(__name__)

NAME = "authorize"
PATH = "/authorize"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Until client and redirect URI are verified an error is a page, afterwards it goes back to the client."""
    try:
        asked = await understood(issuer, Parameters(visit.parameters, visit.resources))
    except RefusedError as refused:
        return Reply(refused.show(issuer, visit))
    except ProtocolError as error:
        return Reply(failed(error))
    browser = browser_of(issuer, visit)
    request = asked.request
    try:
        session = await session_of(issuer, visit)
        what: Redirect | FormPost | Page = await begin(issuer, asked.client, request, session, browser, visit.address)
    except CrowdedError as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error), languages=request.ui_locales)
    except ProtocolError as error:
        what = RefusedError(asked.client, verified_of(request), error).show(issuer, visit)
    return Reply(what, browser=None if visit.browser else browser, languages=request.ui_locales)


class Understood(NamedTuple):
    """A request that may be answered. ``parameters``: as they came, those of a request object in their place."""

    client: Client
    request: AuthorizationRequest
    parameters: Parameters


async def understood(issuer: Issuer, outer: Parameters, *, asked_elsewhere: bool = False) -> Understood:
    """The request behind these parameters. ``asked_elsewhere``: by pages that are not ours, which sign people up and in as
    they do. Raises RefusedError for what the client may be told, and what only the person may see (ProtocolError).
    """
    try:
        client = await _client(issuer, outer.single)
        rules = rules_of(issuer, client)
        if asked_elsewhere:
            rules = rules._replace(acr=None, sign_up=True)
        parameters, verified = await _destination(issuer, client, rules, outer)
    except ProtocolError as error:
        issuer.refusals.record(NAME, error)
        raise
    try:
        request = authorization_request.check(parameters.single, parameters.resources, rules, verified)
    except ProtocolError as error:
        raise RefusedError(client, verified, error) from error
    return Understood(client, request, parameters)


def rules_of(issuer: Issuer, client: Client) -> Rules:
    """What this client may ask for."""
    settings = issuer.settings
    offered = settings.response_types
    return Rules(
        client_id=client.client_id,
        redirect_uris=client.redirect_uris,
        response_types=tuple(one for one in client.response_types if one in offered and _may(client, one)),
        scopes=client.scopes,
        default_scope=settings.default_scope if client.default_scope is None else client.default_scope,
        unknown_scope=settings.unknown_scope,
        audiences=client.audiences,
        require_pkce=settings.require_pkce or client.require_pkce or client.public,
        allow_plain_pkce=client.allow_plain_pkce,
        default_max_age=client.default_max_age,
        default_acr_values=client.default_acr_values,
        openid=issuer.keyring is not None,
        acr=settings.acr,
        sign_up=settings.sign_up_url is not None,
    )


def _may(client: Client, response_type: ResponseType) -> bool:
    """A code is of use only to who may redeem it."""
    return "code" not in response_type.parts or GrantTypeName.AUTHORIZATION_CODE in client.grant_types


class RefusedError(Exception):
    """A request that is refused, but its redirect URI holds: the client may know."""

    def __init__(self, client: Client, verified: Verified, error: ProtocolError) -> None:
        super().__init__(error.error)
        self.client, self.verified, self.error = client, verified, error

    def show(self, issuer: Issuer, visit: Visit) -> Redirect | FormPost | Page:
        """The error on its way to the client, and to operators; inside another page no page of ours is needed."""
        issuer.refusals.record(NAME, self.error)
        return send_error(issuer, self.client, self.verified, self.error, knowingly=visit.framed)

    def deliver(self, issuer: Issuer) -> Redirect | FormPost:
        """The same for a front with pages of its own."""
        issuer.refusals.record(NAME, self.error)
        return deliver(issuer.url, self.verified, error_fields(self.error))


async def _client(issuer: Issuer, parameters: Mapping[str, str]) -> Client:
    client_id = parameters.get("client_id")
    if client_id is None:
        raise InvalidRequest("The parameter client_id is missing.")
    client = await issuer.store.clients.get(client_id)
    if client is not None:
        note_client(client.client_id)
    if client is None or not client.enabled:
        raise InvalidRequest("There is no such client.", log="unknown or disabled client")
    return client


async def _destination(issuer: Issuer, client: Client, rules: Rules, outer: Parameters) -> tuple[Parameters, Verified]:
    """The parameters, unpacked, and where an answer may be sent. Raises RefusedError, and what is for a page only."""
    try:
        parameters = await unpacked(issuer, client, outer)
    except ProtocolError as error:
        verified = authorization_request.verify_destination(outer.single, rules)
        raise RefusedError(client, verified, error) from error
    return parameters, authorization_request.verify_destination(parameters.single, rules)


def _metadata(issuer: Issuer) -> dict[str, object]:
    settings = issuer.settings
    openid = issuer.keyring is not None  # without keys there are no ID tokens
    offered = [one.value for one in settings.response_types if openid or "id_token" not in one.parts]
    members: dict[str, object] = {
        "authorization_endpoint": issuer.url_of(PATH),
        "response_types_supported": offered,
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
    if not openid:
        return members
    prompts = [prompt.value for prompt in Prompt if prompt is not Prompt.CREATE or settings.sign_up_url]
    objects = settings.request_objects
    return members | {
        "request_object_signing_alg_values_supported": list(ALGORITHMS) if objects != "off" else None,
        "request_parameter_supported": objects != "off",
        "request_uri_parameter_supported": objects == "by_reference",
        "require_request_uri_registration": True if objects == "by_reference" else None,
        "claims_parameter_supported": True,
        "acr_values_supported": [settings.acr],
        "prompt_values_supported": prompts,
        "display_values_supported": ["page", "popup", "touch", "wap"],
    }


ENDPOINT = BrowserEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide, posted_by_clients=True)
