"""The steps of client authentication that all methods share."""

import logging
from collections.abc import Mapping

import msgspec

from service.client_auth.evidence import ClientEvidence, EvidenceKind, collect
from service.client_auth.method import Method, Proof
from service.crypto.passwords import is_generated
from service.directory import network_of
from service.issuer import Issuer
from service.observe.current import note_client
from service.observe.events import Event
from service.protocol.client_id_urls import is_url
from service.protocol.errors import InvalidClient, InvalidRequest
from service.protocol.profiles import check_keeps
from service.protocol.request import Request
from service.records.client import Client
from service.store.failures import Limit
from service.store.replay_checks import ReplayCheck

log = logging.getLogger(__name__)

MAX_CLIENT_ID = 255


class AuthenticatedClient(msgspec.Struct, frozen=True):
    """A client that is known, enabled and authenticated as it is registered to.

    ``alias_used`` is whether it used its alias as client_id (AU-27).
    """

    client: Client
    alias_used: bool
    replay_checks: tuple[ReplayCheck, ...] = ()
    """Replay checks that are under way: ``confirm`` them before anything is issued or revealed."""


async def authenticate_by(methods: Mapping[str, Method], issuer: Issuer, request: Request) -> AuthenticatedClient:
    """Authenticate the client of a request by the method that it is registered for (RFC 6749 sections 2.3 and 3.2.1).

    Raises:
        InvalidRequest: It offers several kinds of evidence at once, or two client_ids.
        UnauthorizedClient: It breaks its security profile, or that of the settings.
        InvalidClient: Anything else (401), and too many failures from this address (429).
    """
    evidence = collect(request)
    if len(evidence.client_id) > MAX_CLIENT_ID:
        raise InvalidClient(log="client_id is too long")
    clients = issuer.store.clients
    client = clients.cached(evidence.client_id) or await clients.get(evidence.client_id)
    if is_url(evidence.client_id):
        address = "" if request.by_backend else request.address
        client = await issuer.client_documents.current(issuer, evidence.client_id, client, address)
    for name in evidence.other_names if client is None else ():
        if client is None and len(name) <= MAX_CLIENT_ID and (client := await clients.get(name)) is not None:
            evidence = msgspec.structs.replace(evidence, client_id=name)
    if client is None:
        raise InvalidClient(log="unknown client")
    note_client(client.client_id)
    _check_body_client_id(request, evidence, client)
    proof = await _check_evidence(issuer, methods.get(client.auth_method), client, evidence)
    if client.profile is not None or issuer.settings.profile is not None:
        check_keeps(client, issuer.settings.profile)
    return AuthenticatedClient(client, evidence.client_id != client.client_id, proof.replay_checks)


def _check_body_client_id(request: Request, evidence: ClientEvidence, client: Client) -> None:
    """Refuse a client_id that differs from that of HTTP authentication, unless the path's documents ignore it."""
    in_body = request.parameters.get("client_id")
    if request.ignore_client_id or in_body is None or in_body == evidence.client_id:
        return
    if in_body not in (client.client_id, client.alias):
        raise InvalidRequest("client_id differs from the client that authenticated.")


async def _check_evidence(issuer: Issuer, method: Method | None, client: Client, evidence: ClientEvidence) -> Proof:
    """Check that it is of the registered method, not blocked, and valid; failures are counted per client and address.

    A block counts only for the address that failed, so no caller can lock a client out elsewhere. A secret that we generated
    cannot be guessed and is never blocked; failures with it are only slowed down. Nor is a client blocked whose requests come
    by a backend, for everybody's do: what guesses cost there is bounded by the queue of hashes alone.
    """
    failures, request = issuer.store.failures, evidence.request
    wait = failures.known_wait(_who(client, request)) if failures.knows_any else 0
    if wait and not request.by_backend and any(not is_generated(secret.hash) for secret in client.secrets):
        raise _too_many(request, wait)
    registered = method is not None and evidence.kind in method.accepts
    reason: InvalidClient | None = None
    if method is not None and registered and client.enabled:
        try:
            if (proof := await method.verify(issuer, client, evidence)) is not None:
                return proof
        except InvalidClient as error:
            reason = error
    if evidence.kind is not EvidenceKind.CLIENT_ID:
        wait = wait or await failures.count(_who(client, request), _limit(issuer))
    if wait:
        issuer.metrics.security_event(Event.CLIENT_BLOCKED)
        facts = {"client_id": client.client_id, "address": request.address, "seconds": wait}
        log.warning(Event.CLIENT_BLOCKED, extra=facts)
        raise _too_many(request, wait)
    if not registered:
        raise InvalidClient(log=f"client is registered for {client.auth_method}, not {evidence.kind}")
    raise reason or InvalidClient(log="client is disabled" if not client.enabled else "wrong client secret")


def _who(client: Client, request: Request) -> str:
    return f"client:{client.client_id}@{'backend' if request.by_backend else network_of(request.address)}"


def _limit(issuer: Issuer) -> Limit:
    return Limit.of(issuer.settings, issuer.settings.client_failures_allowed)


def _too_many(request: Request, wait: int) -> InvalidClient:
    where = "" if request.by_backend else " from this address"
    return InvalidClient(
        f"Too many failed attempts{where}; try again in {wait} seconds.",
        log="client is blocked for this address",
        status=429,
        headers={"Retry-After": str(wait)},
    )
