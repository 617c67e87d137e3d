"""Clients by their documents (draft-ietf-oauth-client-id-metadata-document): a client_id is the URL of the client's metadata.

Such a client is kept like one that registered openly: while it is used, and within the same limits. Its document is fetched
again as often as its headers demand, within bounds; changes by an operator stay.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import orjson

from service.admin import clients, registered_metadata
from service.admin.errors import AdminError, AlreadyExists, Contended, Outdated
from service.admin.etags import etag
from service.admin.registered_metadata import ReadMetadata
from service.admin.registration import PROTECTING, place_taken, protection_of, protects_least
from service.client_auth import METHODS
from service.concurrency.shared_calls import SharedCalls
from service.issuer import Issuer
from service.observe.events import Event
from service.outbound.http_client import HttpClientBusyError, HttpClientError, HttpResponse, Purpose
from service.protocol import client_id_urls
from service.protocol.client_member import MemberGroup
from service.protocol.client_metadata import REGISTERED
from service.protocol.errors import InvalidClient, InvalidClientMetadata, InvalidRedirectUri
from service.protocol.names import ClientAuthMethod
from service.protocol.networks import network_of, wide_network_of
from service.records.client import Client, Registration
from service.store.bounded_cache import BoundedCache
from service.store.failures import Limit

log = logging.getLogger(__name__)

NAME = "client_document"
"""The name in metrics."""
_LEAST, _USUAL = 10, 300
"""Seconds for which a document is valid: at least, whatever its headers say, and where they say nothing."""
_STALE_FOR = 86_400
"""Seconds after which a document that cannot be fetched any more is no longer used."""
_FAILED_FOR = 10.0
"""Seconds for which a document that could not be fetched is not fetched again."""
_REMEMBERED, _REMEMBERED_BYTES = 1000, 4 * 1024 * 1024
_SECRETS = ("client_secret", "client_secret_expires_at")
_KEY_SETS = {"jwks", "jwks_uri"}
_KEYS = [name for name, row in REGISTERED.items() if row.member.group is MemberGroup.AUTHENTICATES]
"""The members by which a client authenticates, and the keys for encryption to it."""


class _AwayError(Exception):
    """The document cannot be fetched now, but perhaps later."""


class _BusyError(_AwayError):
    """Too many documents are being fetched, which says nothing about this document."""


class _UnusableError(Exception):
    """The document cannot be used, or is gone; the text is for the client."""


class _Document(NamedTuple):
    """A fetched document, and its lifetime in seconds."""

    members: dict[str, Any]
    lifetime: int


class _Failure(NamedTuple):
    """A document that could not be fetched, and until when (monotonic seconds) it is not fetched again."""

    until: float
    kind: type[_AwayError] | type[_UnusableError]
    reason: str


class ClientDocuments:
    """The documents of clients, fetched and kept. The clock counts monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading: SharedCalls[Client] = SharedCalls()
        self._failed: BoundedCache[_Failure] = BoundedCache(_REMEMBERED, _REMEMBERED_BYTES)

    async def current(self, issuer: Issuer, client_id: str, held: Client | None, address: str) -> Client | None:
        """Return the client as its document describes it now; ``held`` where it has no document, or is disabled.

        Args:
            issuer: This issuer.
            client_id: As the client sent it.
            held: The client as it is stored, None where it is not.
            address: The IP address of the request, for which unusable documents are counted.

        Raises:
            InvalidClient: There is no such document, or it is unusable.
            TemporarilyUnavailable: There is no room for further clients, or Redis is away.
        """
        if held is not None and not (held.has_document and held.enabled):
            return held
        if not issuer.settings.client_metadata_documents or not client_id_urls.is_url(client_id):
            return None
        host = _checked_host(issuer, client_id)
        registration = held.registration if held else None
        if held is not None and registration and issuer.clock() < registration.document_fresh_until:
            return held
        try:
            return await self._read(issuer, client_id, held, address)
        except _AwayError as error:
            if held is not None and registration and issuer.clock() < registration.document_fetched_at + _STALE_FOR:
                issuer.metrics.request(NAME, "stale")
                return held
            reason, text = str(error), "The document of the client_id cannot be fetched."
        except _UnusableError as error:
            reason, text = str(error), f"The document of the client_id cannot be used: {error}"
        issuer.metrics.request(NAME, "unusable")
        log.info(Event.CLIENT_DOCUMENT_UNUSABLE, extra={"client_id": client_id, "host": host, "reason": reason[:200]})
        raise InvalidClient(text, log=f"client metadata document: {reason}")

    async def _read(self, issuer: Issuer, client_id: str, held: Client | None, address: str) -> Client:
        """Read the document, once for concurrent callers, and not again at once where that failed."""
        failure = self._failed.get(client_id)
        if failure is not None and self._clock() < failure.until:
            raise failure.kind(failure.reason)
        if held is None and address:
            _check_wait(issuer, address)
        if not issuer.http_client.has_room(Purpose.CLIENT_DOCUMENT, wide_network_of(address)):
            raise _BusyError(
                "too many documents are being fetched for this network; try again"
            )  # alone: others may share it
        try:
            return await self._reading.answer(client_id, lambda: _read_for(issuer, client_id, held, address))
        except _BusyError:
            raise
        except (_AwayError, _UnusableError) as error:
            failure = _Failure(self._clock() + _FAILED_FOR, type(error), str(error))
            self._failed.put(client_id, failure, len(failure.reason))
            if held is None and address:
                limit = Limit.of(issuer.settings, issuer.settings.client_failures_allowed)
                await issuer.store.failures.count(_who(address), limit)
            raise


def _who(address: str) -> str:
    return f"document:{network_of(address)}"


def _check_wait(issuer: Issuer, address: str) -> None:
    """Refuse a network for which too many fetches have failed. Raises InvalidClient (429)."""
    if wait := issuer.store.failures.known_wait(_who(address)):
        issuer.metrics.security_event(Event.CLIENT_DOCUMENTS_LIMITED)
        log.warning(Event.CLIENT_DOCUMENTS_LIMITED, extra={"address": address, "seconds": wait})
        raise InvalidClient(
            f"Too many documents of clients could not be used; try again in {wait} seconds.",
            log="too many unusable documents from this address",
            status=429,
            headers={"Retry-After": str(wait)},
        )


def _checked_host(issuer: Issuer, client_id: str) -> str:
    """Return the host of the URL. Raises InvalidClient where it is no valid URL, or its host is not allowed."""
    try:
        client_id_urls.check_url(client_id)
    except ValueError as error:
        raise InvalidClient(
            f"The client_id is not the URL of a document: {error}.", log=f"client_id is no URL: {error}"
        ) from error
    host, settings = client_id_urls.host_of(client_id), issuer.settings
    allowed = settings.client_document_hosts
    denied = settings.client_document_denied_hosts
    if (allowed and not client_id_urls.is_among(host, allowed)) or any(
        client_id_urls.is_among(one, denied) for one in (host, client_id_urls.without_port(host))
    ):
        raise InvalidClient("Clients of this host are not taken here.", log="host of the client_id is not allowed")
    return host


async def _read_for(issuer: Issuer, client_id: str, held: Client | None, address: str) -> Client:
    """Read a document on behalf of the network of this address. Raises as _read."""
    network = wide_network_of(address)
    if held is None:
        return await _read_first(issuer, client_id, network)
    return await _read(issuer, client_id, held, network)


async def _read_first(issuer: Issuer, client_id: str, network: str) -> Client:
    """Read a document whose client is not stored yet, unless there is no place for it. Raises as _read."""
    registration = Registration(token_hash="", registered_openly=True, network=network)
    async with place_taken(issuer, client_id, registration):
        try:
            return await _read(issuer, client_id, None, network, registration)
        except (_AwayError, _UnusableError) as error:
            if await issuer.store.clients.read(client_id) is None:
                raise
            failure = error  # another process has stored the client meanwhile, and taken the place
    raise failure


async def _read(
    issuer: Issuer, client_id: str, held: Client | None, network: str, registration: Registration | None = None
) -> Client:
    """Fetch the document, and store the client. Raises _AwayError, _UnusableError, TemporarilyUnavailable."""
    document = await _fetched(issuer, client_id, network)
    issuer.metrics.request(NAME, "fetched")
    _check(issuer, client_id, document.members)
    members = {"token_endpoint_auth_method": ClientAuthMethod.NONE.value, **document.members}
    try:
        if held is not None:  # an operator may have changed it since, or while the document was on its way
            held = await clients.get_client(issuer, client_id)
        adopted = held if held is not None and not held.was_registered_openly else None
        read_metadata = registered_metadata.read(
            issuer, client_id, _with_what_stays(adopted, members) if adopted else members, adopted
        )
        return await _kept(issuer, client_id, read_metadata, document.lifetime, held, registration)
    except (InvalidClientMetadata, InvalidRedirectUri) as error:
        raise _UnusableError(error.description) from error
    except (Outdated, Contended) as error:
        raise _AwayError("the client is being changed by others at the same time") from error
    except AdminError as error:
        raise _UnusableError(str(error).splitlines()[0]) from error


async def _fetched(issuer: Issuer, client_id: str, network: str) -> _Document:
    try:
        response = await issuer.http_client.request(
            "GET",
            client_id,
            Purpose.CLIENT_DOCUMENT,
            headers={"Accept": "application/json"},
            max_bytes=issuer.settings.registration_max_bytes,
            network=network,
        )
    except HttpClientBusyError as error:
        raise _BusyError(str(error)) from error
    except HttpClientError as error:
        raise _AwayError(str(error)) from error
    if response.status >= 500 or response.status == 429:
        raise _AwayError(f"status {response.status}")
    if response.status != 200:
        raise _UnusableError(f"its server answered {response.status}, not 200")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise _UnusableError("its Content-Type is not application/json")
    try:
        members = orjson.loads(response.content)
    except ValueError as error:
        raise _UnusableError("it is not JSON") from error
    if not isinstance(members, dict):
        raise _UnusableError("it is not a JSON object")
    return _Document(members, _lifetime(issuer, response))


def _lifetime(issuer: Issuer, response: HttpResponse) -> int:
    """Return the seconds for which it is valid (RFC 9111), within our bounds."""
    control = response.headers.get("Cache-Control", "").lower()
    wanted = _USUAL if response.max_age is None else response.max_age
    if "no-store" in control or "no-cache" in control:
        wanted = 0
    return max(_LEAST, min(wanted, issuer.settings.client_document_lifetime))


def _check(issuer: Issuer, client_id: str, members: dict[str, Any]) -> None:
    """Check the rules for documents alone (section 4). Raises _UnusableError."""
    if members.get("client_id") != client_id:
        raise _UnusableError("its client_id is not its URL, letter by letter")
    if named := [name for name in _SECRETS if name in members]:
        raise _UnusableError(f"it has a {named[0]}, which would be no secret")
    method = METHODS.get(str(members.get("token_endpoint_auth_method")))
    if method is not None and method.has_secret:
        raise _UnusableError(f"token_endpoint_auth_method: {method.name} needs a secret, and there is none")
    uris = members.get("redirect_uris")
    if issuer.settings.client_document_redirects == "same_origin" and isinstance(uris, list):
        for uri in uris:
            if not isinstance(uri, str) or not client_id_urls.is_of_origin(uri, client_id):
                raise _UnusableError("redirect_uris: must have the origin of the client_id here")


def _with_what_stays(client: Client, members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a document, but keep those that an operator decides after having changed the client.

    These are its rights and its protection: its document can add protection, but removes none. Where something is kept and the
    document names no authentication, the client still authenticates as before, unless the document names other keys.
    """
    said = registered_metadata.without_empty(members)
    protection = {
        name: value
        for name, value in protection_of(client).items()
        if said.get(name, least := protects_least(PROTECTING[name])) == least != value
    }
    keys: dict[str, Any] = {}
    if protection and said["token_endpoint_auth_method"] == ClientAuthMethod.NONE:
        left_out = _KEY_SETS if _KEY_SETS & said.keys() else set()
        keys = {name: getattr(client, REGISTERED[name].name) for name in _KEYS if name not in left_out}
    if "subject_type" in protection:
        keys["sector_identifier_uri"] = client.sector_identifier_uri
    return {
        **registered_metadata.without_empty(keys),
        **said,
        **protection,
        "grant_types": list(client.grant_types),
        "response_types": list(client.response_types),
        "scope": " ".join(client.scopes),
        "authorization_details_types": list(client.authorization_details_types),
    }


async def _kept(
    issuer: Issuer,
    client_id: str,
    read_metadata: ReadMetadata,
    lifetime: int,
    held: Client | None,
    registration: Registration | None,
) -> Client:
    """Store the client, with this registration where it is new, and return it. Raises AdminError."""
    now = int(issuer.clock())
    until = now + lifetime
    if held is None:
        first = msgspec.structs.replace(
            registration or Registration("", registered_openly=True),
            metadata=read_metadata.echoed,
            document_fetched_at=now,
            document_fresh_until=until,
        )
        try:
            return (await clients.create_client(issuer, read_metadata.given, registration=first)).client
        except AlreadyExists:  # another process was first, and has taken the place
            held = await clients.get_client(issuer, client_id)
        if not held.has_document:
            return held
    changes = {row.name: getattr(read_metadata.given, row.name) for row in REGISTERED.values()}
    if any(getattr(held, name) != value for name, value in changes.items()):
        await clients.update_client(issuer, client_id, changes, if_match=etag(held), adopts=False)

    def read_now(client: Client) -> Client:
        seen = client.registration or Registration("")
        read = msgspec.structs.replace(
            seen, metadata=read_metadata.echoed, document_fetched_at=now, document_fresh_until=until
        )
        changed: Client = msgspec.structs.replace(client, registration=read)
        return changed

    return await clients.change_client(issuer, client_id, read_now)
