"""CIBA requests: validated, waiting for their user, and decided (OpenID Connect CIBA Core 1.0).

How a client polls for one is ``tokens.polled_requests``; how it is notified, ``backchannel_deliveries``.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import msgspec

from service.directory import Person
from service.issuer import Issuer
from service.login import backchannel_deliveries
from service.login.authorization_requests import resources_in, rules_of
from service.login.backchannel_request_object import verified_parameters
from service.login.client_display import client_values
from service.login.interaction import StaleError
from service.login.request_object import Parameters
from service.login.tickets import may_still_ask
from service.protocol import backchannel_request
from service.protocol.backchannel_request import BackchannelRequest
from service.protocol.binding import UNBOUND
from service.protocol.browsing import Page
from service.protocol.credentials import Kind, new_grant_id
from service.protocol.errors import AccessDenied, InvalidRequest, TemporarilyUnavailable, UnauthorizedClient
from service.protocol.names import DeliveryMode, GrantTypeName
from service.records.backchannel_request import WaitingBackchannelRequest
from service.records.client import Client
from service.records.grant import Grant
from service.records.interaction import BACKCHANNEL
from service.store.replay_checks import ReplayCheck
from service.tokens import polled_requests
from service.tokens.binding import named_in
from service.tokens.members import granted_members, judge_members

APPROVALS_PATH = "/approvals"
"""The path of the page where users decide."""
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{22}", re.ASCII)


class BegunBackchannelRequest(NamedTuple):
    """The response to its client (section 7.3)."""

    auth_req_id: str
    expires_in: int
    """Seconds."""
    reference: str
    """The name by which it is decided."""
    waiting: WaitingBackchannelRequest


class LoadedRequest(NamedTuple):
    """A request that is not decided yet."""

    reference: str
    client: Client
    waiting: WaitingBackchannelRequest


async def validate(
    issuer: Issuer,
    client: Client,
    outer: Parameters,
    checks: list[ReplayCheck],
    *,
    by_backend: bool = False,
    is_proved: bool = False,
) -> BackchannelRequest:
    """Validate the request that these parameters make (section 7.2).

    Args:
        issuer: Ours.
        client: Authenticated.
        outer: The parameters as they came, without those of the client's authentication.
        checks: The replay check of a signed request is added to these.
        by_backend: Whether a backend signs users in.
        is_proved: It came with a DPoP proof.

    Raises:
        ProtocolError: The errors of section 13.
    """
    _check_client(issuer, client)
    parameters = await _unpacked(issuer, client, outer, checks)
    rules = rules_of(issuer, client, by_backend=by_backend)
    resources = resources_in(issuer, parameters)
    ciba_request = backchannel_request.check(parameters.single, resources, rules, client.delivery_mode)
    members = granted_members(issuer, client, parameters.single)
    binding = named_in(parameters.single)
    if client.delivery_mode is DeliveryMode.PUSH and (is_proved or binding != UNBOUND):
        raise InvalidRequest(
            "Tokens that are delivered (push) cannot be bound to a key: nobody proves to hold it then."
        )
    request = msgspec.structs.replace(ciba_request.request, members=members, binding=binding)
    return msgspec.structs.replace(ciba_request, request=request)


async def begin(
    issuer: Issuer,
    client: Client,
    ciba_request: BackchannelRequest,
    person: Person | None,
    *,
    api_key: str = "",
    expects: str = "",
) -> BegunBackchannelRequest:
    """Store a request for its user. Two round trips.

    Args:
        issuer: Ours.
        client: The client.
        ciba_request: The request.
        person: The user; None where a caller of the decision API knows it.
        api_key: Of that caller, which alone decides and notifies the client then.
        expects: The subject that the client named, as it knows them, "" = anybody.

    Raises:
        AccessDenied: Too many requests of this client wait for the user.
        InvalidAuthorizationDetails: A hook refuses.
        TemporarilyUnavailable: Redis is, or a hook.
    """
    subject, settings = person.subject if person is not None else "", issuer.settings
    await judge_members(issuer, client, subject, ciba_request.request.members)
    new = polled_requests.prepare(issuer, Kind.BACKCHANNEL_REQUEST)
    waiting = msgspec.structs.replace(
        _waiting(issuer, client, ciba_request, new.credential),
        subject=subject,
        username=person.username if person is not None else "",
        expects=expects,
        api_key=api_key,
    )
    lifetime = waiting.ends_at - waiting.started_at
    most = settings.backchannel_waiting_most
    if subject and not await issuer.store.approvals.index(
        subject, client.client_id, new.reference, waiting.ends_at, most
    ):
        raise AccessDenied("Too many requests of this client wait for the user.", status=403)
    await polled_requests.begin(issuer, client, new, waiting, interval=settings.backchannel_interval, lifetime=lifetime)
    await backchannel_deliveries.notify_of_expiry(issuer, client, waiting)
    return BegunBackchannelRequest(new.credential, lifetime, new.reference, waiting)


def _waiting(
    issuer: Issuer, client: Client, ciba_request: BackchannelRequest, auth_req_id: str
) -> WaitingBackchannelRequest:
    """Return the record of a request that begins, as far as it follows from the request."""
    settings, now = issuer.settings, int(issuer.clock())
    wished = max(ciba_request.lifetime or settings.backchannel_lifetime, backchannel_request.SHORTEST_LIFETIME)
    lifetime = min(wished, settings.backchannel_longest_lifetime)
    is_pushed = client.delivery_mode is DeliveryMode.PUSH
    return WaitingBackchannelRequest(
        request=ciba_request.request,
        client_generation=client.generation,
        ends_at=now + lifetime,
        binding_message=ciba_request.binding_message,
        started_at=now,
        mode=client.delivery_mode,
        auth_req_id="" if client.delivery_mode is DeliveryMode.POLL else auth_req_id,
        notification_token=ciba_request.notification_token,
        expiry_notification=new_grant_id(issuer.random_text) if is_pushed else "",
    )


async def load(issuer: Issuer, reference: str) -> LoadedRequest:
    """Load a request that is not decided yet, if its client may still ask for it. Raises StaleError."""
    waiting = None
    if _REFERENCE.fullmatch(reference):
        waiting = await polled_requests.load_as(issuer, reference, WaitingBackchannelRequest)
    client = await issuer.store.clients.get(waiting.request.client_id) if waiting is not None else None
    if waiting is None or client is None or waiting.ends_at <= issuer.clock():
        raise StaleError
    if not may_still_ask(issuer, client, waiting.client_generation, waiting.request, BACKCHANNEL):
        raise StaleError
    return LoadedRequest(reference, client, waiting)


async def waiting_for(issuer: Issuer, subject: str) -> list[LoadedRequest]:
    """Load the requests that wait for a user, the one that ends first in front."""
    found = []
    for reference in await issuer.store.approvals.of_user(subject, int(issuer.clock())):
        try:
            found.append(await load(issuer, reference))
        except StaleError:
            continue
    return [one for one in found if one.waiting.subject == subject]


async def allow(issuer: Issuer, loaded: LoadedRequest, grant: Grant, *, decided_in: str = "") -> None:
    """Allow a request.

    Args:
        issuer: Ours.
        loaded: The request.
        grant: The grant for its client.
        decided_in: The ``sid`` of the user's session, "" = a caller of the decision API decided.

    Raises:
        StaleError: It was decided before or is over, the user may not have tokens, or their session has ended.
        TemporarilyUnavailable: Redis is.
    """
    given = msgspec.structs.replace(grant, grant_type=GrantTypeName.CIBA.value)
    async with backchannel_deliveries.notifying(issuer, loaded.client, loaded.waiting):
        if not await polled_requests.allow(issuer, loaded.client, loaded.reference, loaded.waiting, given):
            raise StaleError
        if decided_in:
            await _check_session(issuer, loaded, decided_in)
    _forget(issuer, loaded)
    issuer.metrics.request("backchannel_authentication", "allowed")


async def _check_session(issuer: Issuer, loaded: LoadedRequest, sid: str) -> None:
    """End what was allowed in a session that has ended meanwhile, before its client is notified (P6). Raises StaleError."""
    try:
        is_alive = await issuer.store.sessions.get(sid) is not None
    except TemporarilyUnavailable:  # it is not known whether it is
        with suppress(TemporarilyUnavailable):
            await _withdraw(issuer, loaded)
        raise
    if not is_alive:
        await _withdraw(issuer, loaded)
        raise StaleError


async def _withdraw(issuer: Issuer, loaded: LoadedRequest) -> None:
    await issuer.store.grants.revoke(polled_requests.grant_id_of(loaded.reference), loaded.waiting.subject)
    _forget(issuer, loaded)


async def deny(issuer: Issuer, loaded: LoadedRequest) -> None:
    """Deny a request. Raises StaleError where it was decided before, or is over."""
    async with backchannel_deliveries.notifying(issuer, loaded.client, loaded.waiting):
        if not await polled_requests.deny(issuer, loaded.reference):
            raise StaleError
    _forget(issuer, loaded)
    issuer.metrics.request("backchannel_authentication", "denied")


def decided_page(issuer: Issuer, loaded: LoadedRequest, *, allowed: bool) -> Page:
    """Return the page for the user after the decision: nothing leads back, as the client is elsewhere."""
    return Page("decided", {"client": client_values(issuer.settings, loaded.client), "allowed": allowed})


def _forget(issuer: Issuer, loaded: LoadedRequest) -> None:
    if loaded.waiting.subject:
        issuer.store.approvals.unindex_soon(loaded.waiting.subject, loaded.client.client_id, loaded.reference)


def _check_client(issuer: Issuer, client: Client) -> None:
    """Refuse a client that is not registered for CIBA, or for a delivery mode that is off. Raises UnauthorizedClient."""
    if client.public or GrantTypeName.CIBA not in client.grant_types:
        raise UnauthorizedClient(f"The client is not registered for the grant_type {GrantTypeName.CIBA.value}.")
    if client.delivery_mode not in issuer.settings.backchannel_delivery_modes:
        raise UnauthorizedClient(f"The delivery mode {client.delivery_mode.value} is not offered here.")


async def _unpacked(issuer: Issuer, client: Client, outer: Parameters, checks: list[ReplayCheck]) -> Parameters:
    """Return the parameters of a signed request, and no others. A client that is registered for signing must sign."""
    signed = outer.single.get("request")
    if signed is None:
        if client.backchannel_authentication_request_signing_alg is not None:
            raise InvalidRequest("This client signs its requests: send it as request (CIBA Core 7.1.1).")
        return outer
    if outside := sorted(_parameters_outside(outer.single) | ({"resource"} if outer.resources else set())):
        raise InvalidRequest(
            f"Parameters stand in the signed request alone (CIBA Core 7.1.1): {', '.join(outside)[:200]}."
        )
    return await verified_parameters(issuer, client, signed, checks)


def _parameters_outside(single: Mapping[str, str]) -> set[str]:
    """Return the parameters that are outside of a signed request."""
    return set(single) - {"request", "client_id"}
