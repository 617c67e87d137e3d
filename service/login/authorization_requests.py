"""Validating authorization requests: their client, the destination of the response, and whether they are allowed."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from service.issuer import Issuer
from service.login import pushed_requests
from service.login.acr import offered_acrs
from service.login.error_response import send_error
from service.login.expected_user import expected_subject
from service.login.request_object import Parameters, unpacked
from service.login.tickets import response_types_of
from service.observe.current import note_client
from service.protocol import authorization_request
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.authorization_response import error_fields
from service.protocol.authorization_rules import Rules
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.client_id_urls import is_url
from service.protocol.errors import InvalidClient, InvalidRequest, ProtocolError
from service.protocol.names import ApplicationType
from service.protocol.polled_authorization import check_polled
from service.protocol.profiles import check_keeps
from service.protocol.requested import resources_of
from service.protocol.response_destination import Verified
from service.records.client import Client
from service.tokens.binding import KEY_PROOFS, named_in
from service.tokens.members import granted_members, judge_members
from service.tokens.resources import audiences_of, offered_scopes, open_resources
from service.tokens.response_delivery import deliver

ENDPOINT = "authorize"
"""The name under which refusals are recorded."""


class ValidatedRequest(NamedTuple):
    """A valid authorization request."""

    client: Client
    request: AuthorizationRequest
    parameters: Parameters
    """The parameters as they came, or those of a request object."""


class RefusedRequestError(Exception):
    """A request that is refused, but its redirect URI is valid: the error goes to the client."""

    def __init__(self, client: Client, verified: Verified, error: ProtocolError) -> None:
        super().__init__(error.error)
        self.client, self.verified, self.error = client, verified, error

    async def show(self, issuer: Issuer, *, framed: bool) -> Redirect | FormPost | Page:
        """Send the error to the client, and record it for operators. Inside another page (framed) no page of ours is needed."""
        issuer.refusals.record(ENDPOINT, self.error)
        return await send_error(issuer, self.client, self.verified, self.error, knowingly=framed)

    async def deliver(self, issuer: Issuer) -> Redirect | FormPost:
        """Return the same for a front with pages of its own."""
        issuer.refusals.record(ENDPOINT, self.error)
        return await deliver(issuer, self.client, self.verified, error_fields(self.error))


async def validate_authorization_request(
    issuer: Issuer, outer: Parameters, *, by_backend: bool = False, address: str = ""
) -> ValidatedRequest:
    """Validate the request that these parameters make.

    Args:
        issuer: Ours.
        outer: The parameters as they came; they may contain a request object, or refer to one, or to a pushed request.
        by_backend: The pages are those of a backend, which signs users up and in by itself.
        address: The sender's, "" where that is not known.

    Raises:
        RefusedRequestError: An error for the client.
        ProtocolError: An error that only the user may see.
    """
    try:
        client = await _client(issuer, outer.single, address)
        rules = rules_of(issuer, client, by_backend=by_backend)
        if outer.single.get("request_uri", "").startswith(pushed_requests.URN):
            parameters = await pushed_requests.load(issuer, client, outer.single["request_uri"])
            rules = _when_pushed(issuer, client, rules)
            verified = authorization_request.verify_destination(parameters.single, rules)
        else:
            parameters, verified = await _destination(issuer, client, rules, outer)
    except ProtocolError as error:
        issuer.refusals.record(ENDPOINT, error)
        raise
    try:
        return ValidatedRequest(client, _checked(issuer, client, rules, parameters, verified), parameters)
    except ProtocolError as error:
        raise RefusedRequestError(client, verified, error) from error


async def validate_pushed_request(
    issuer: Issuer, client: Client, outer: Parameters, *, by_backend: bool = False
) -> ValidatedRequest:
    """Validate a request that a client pushes, by all that is checked again when it is used (RFC 9126 section 2.1).

    Raises ProtocolError, always for the client.
    """
    if "request_uri" in outer.single:
        raise InvalidRequest("A pushed request cannot name another one: leave request_uri out (RFC 9126 section 2.1).")
    rules = _when_pushed(issuer, client, rules_of(issuer, client, by_backend=by_backend))
    parameters = await unpacked(issuer, client, outer, is_pushed=True)
    verified = authorization_request.verify_destination(parameters.single, rules)
    request = _checked(issuer, client, rules, parameters, verified)
    await expected_subject(issuer, client, request)
    if not client.public:  # everyone can push with the client_id of a public client
        await judge_members(issuer, client, "", request.members)
    return ValidatedRequest(client, request, parameters)


async def validate_polled_request(issuer: Issuer, client: Client, parameters: Parameters) -> AuthorizationRequest:
    """Validate a request that its client will poll for. Raises ProtocolError, always for the client."""
    rules = rules_of(issuer, client, by_backend=False)
    request = check_polled(parameters.single, resources_in(issuer, parameters), rules)
    members = granted_members(issuer, client, parameters.single)
    if not client.public:  # as for a pushed request
        await judge_members(issuer, client, "", members)
    return msgspec.structs.replace(request, members=members, binding=named_in(parameters.single))


def _checked(
    issuer: Issuer, client: Client, rules: Rules, parameters: Parameters, verified: Verified
) -> AuthorizationRequest:
    request = authorization_request.check(parameters.single, resources_in(issuer, parameters), rules, verified)
    members = granted_members(issuer, client, parameters.single)
    signed = bool(parameters.payload)
    if not members and not KEY_PROOFS and not signed:
        return request
    return msgspec.structs.replace(request, members=members, binding=named_in(parameters.single), signed=signed)


def resources_in(issuer: Issuer, parameters: Parameters) -> tuple[str, ...]:
    """Return the resources that a request names, by the parameter audience where that is on."""
    if issuer.settings.audience_parameter:
        return resources_of(parameters.single, parameters.resources)
    return parameters.resources


def _when_pushed(issuer: Issuer, client: Client, rules: Rules) -> Rules:
    """Return the rules for a pushed request: an authenticated client may name any redirect URI, if the settings allow it.

    RFC 9126 2.4. Not a client that registered itself, as anyone may have done that, nor one whose profile demands registered
    redirect URIs.
    """
    is_trusted = not client.public and client.registration is None and not rules.demands.registered_redirects
    return rules._replace(
        any_redirect_uri=issuer.settings.par_unregistered_redirects and is_trusted,
        require_pkce=rules.require_pkce or rules.demands.pkce_when_pushed,
    )


def rules_of(issuer: Issuer, client: Client, *, by_backend: bool) -> Rules:
    """Return what this client may ask for."""
    settings = issuer.settings
    return Rules(
        client_id=client.client_id,
        redirect_uris=client.redirect_uris,
        response_types=response_types_of(issuer, client),
        scopes=client.scopes,
        default_scope=settings.default_scope if client.default_scope is None else client.default_scope,
        unknown_scope=settings.unknown_scope,
        passed_over_scopes=() if client.registration is None else offered_scopes(issuer),
        audiences=audiences_of(issuer, client),
        default_audience=client.audiences,
        resource_scopes=open_resources(issuer, client),
        require_pkce=settings.require_pkce or client.require_pkce or client.public,
        allow_plain_pkce=client.allow_plain_pkce,
        default_max_age=client.default_max_age,
        default_acr_values=client.default_acr_values,
        openid=issuer.keyring is not None,
        acrs=None if by_backend else offered_acrs(settings),
        grant_management=settings.grant_management,
        sign_up=by_backend or settings.sign_up_url is not None,
        demands=issuer.demands_on(client),
        any_loopback_port=client.application_type is ApplicationType.NATIVE,
    )


async def _client(issuer: Issuer, parameters: Mapping[str, str], address: str) -> Client:
    client_id = parameters.get("client_id")
    if client_id is None:
        raise InvalidRequest("The parameter client_id is missing.")
    client = await issuer.store.clients.get(client_id)
    if is_url(client_id):
        try:
            client = await issuer.client_documents.current(issuer, client_id, client, address)
        except InvalidClient as error:
            status = 429 if error.status == 429 else 400
            raise InvalidRequest(
                error.description, log=f"by its client_id: {error.log}", status=status, headers=error.headers
            ) from error
    if client is not None:
        note_client(client.client_id)
    if client is None or not client.enabled:
        raise InvalidRequest("There is no such client.", log="unknown or disabled client")
    if client.profile is not None or issuer.settings.profile is not None:
        check_keeps(client, issuer.settings.profile)
    return client


async def _destination(issuer: Issuer, client: Client, rules: Rules, outer: Parameters) -> tuple[Parameters, Verified]:
    """Return the parameters, unpacked, and where a response may be sent. Raises as validate_authorization_request does."""
    try:
        if issuer.settings.require_pushed_authorization_requests or client.require_pushed_authorization_requests:
            raise InvalidRequest("The request has to be pushed (RFC 9126).")
        parameters = await unpacked(issuer, client, outer)
    except ProtocolError as error:
        verified = authorization_request.verify_destination(outer.single, rules)
        if rules.signs_errors(outer.single):
            verified = verified._replace(as_jwt=True)
        raise RefusedRequestError(client, verified, error) from error
    return parameters, authorization_request.verify_destination(parameters.single, rules)
