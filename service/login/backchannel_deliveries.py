"""Notifications of decided CIBA requests (ping), and their tokens (push), until the client takes them (CIBA Core 10)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import orjson

from service.issuer import Issuer
from service.observe.events import Event
from service.outbound.delivery_loop import AT_ONCE, deliver_or_later, pause_after
from service.outbound.http_client import JSON_HEADERS, HttpClientError, Purpose
from service.protocol.credentials import new_grant_id
from service.protocol.errors import (
    AccessDenied,
    ExpiredToken,
    PollingError,
    ProtocolError,
    ServerError,
    TemporarilyUnavailable,
)
from service.protocol.names import DeliveryMode
from service.records.backchannel_request import (
    BackchannelDelivery,
    BackchannelNotification,
    WaitingBackchannelRequest,
)
from service.records.client import Client
from service.tokens.backchannel_requests import TRANSACTION_FAILED, pushed_tokens
from service.tokens.polled_requests import end_pause

log = logging.getLogger(__name__)

_CUT_OFF_AFTER = 15
"""Seconds after which a client is notified even if the decision was begun and not finished."""
_TAKES_TOKENS_FOR = 300
"""Seconds after the end of a request within which its tokens may still be delivered."""
_TRIED_AGAIN = (408, 425, 429)
"""Statuses below 500 that may change by themselves."""


def is_notified(waiting: WaitingBackchannelRequest) -> bool:
    """Whether we notify the client, rather than a caller of the decision API."""
    return waiting.mode is not DeliveryMode.POLL and not waiting.api_key


@asynccontextmanager
async def notifying(issuer: Issuer, client: Client, waiting: WaitingBackchannelRequest) -> AsyncIterator[None]:
    """Notify the client of the decision inside, at least once whatever happens.

    The notification is queued before and sent after. If the decision is interrupted it is sent all the same, and the client
    learns the state at the token endpoint. Two round trips, none where the client polls. Raises TemporarilyUnavailable.
    """
    if not is_notified(waiting):
        yield
        return
    queue, delivery_id = issuer.store.backchannel_deliveries, new_grant_id(issuer.random_text)
    delivery, now = _delivery(issuer, client, waiting), int(issuer.clock())
    if not await queue.queue(delivery_id, delivery, now + _CUT_OFF_AFTER):
        raise TemporarilyUnavailable(log="as many notifications of CIBA clients wait as may")
    try:
        yield
    except TemporarilyUnavailable:
        raise  # it may have been done
    except Exception:
        await queue.drop(delivery_id)
        raise
    await queue.queue(delivery_id, delivery, now)
    if waiting.expiry_notification:
        await queue.drop(waiting.expiry_notification)


async def notify_of_expiry(issuer: Issuer, client: Client, waiting: WaitingBackchannelRequest) -> None:
    """Queue a notification of the expiry for a client whose tokens are delivered, unless the request is decided before.

    One round trip, none for other clients. Raises TemporarilyUnavailable.
    """
    if waiting.expiry_notification and is_notified(waiting):
        delivery = _delivery(issuer, client, waiting)
        if not await issuer.store.backchannel_deliveries.queue(
            waiting.expiry_notification, delivery, waiting.ends_at + 1
        ):
            raise TemporarilyUnavailable(log="as many notifications of CIBA clients wait as may")


async def deliver_due(issuer: Issuer) -> int:
    """Deliver what is due, concurrently. Return how many deliveries were tried. Raises TemporarilyUnavailable."""
    claimed = await issuer.store.backchannel_deliveries.claim(int(issuer.clock()), AT_ONCE)
    await asyncio.gather(*(_deliver_or_later(issuer, delivery_id, delivery) for delivery_id, delivery in claimed))
    return len(claimed)


def _delivery(issuer: Issuer, client: Client, waiting: WaitingBackchannelRequest) -> BackchannelDelivery:
    notification = BackchannelNotification(waiting.mode, waiting.auth_req_id, waiting.notification_token)
    more = _TAKES_TOKENS_FOR if waiting.mode is DeliveryMode.PUSH else 0
    return BackchannelDelivery(client.client_id, _sealed(issuer, notification), waiting.ends_at + more)


def _sealed(issuer: Issuer, notification: BackchannelNotification) -> str:
    return issuer.request_sealing.seal(notification.encode())


async def _deliver_or_later(issuer: Issuer, delivery_id: str, delivery: BackchannelDelivery) -> None:
    deliver = partial(_deliver, issuer, delivery_id, delivery)
    try_again = partial(_try_again, issuer, delivery_id, delivery)
    await deliver_or_later(deliver, try_again, "backchannel", delivery.client_id)


async def _deliver(issuer: Issuer, delivery_id: str, delivery: BackchannelDelivery) -> None:
    queue = issuer.store.backchannel_deliveries
    client = await issuer.store.clients.get(delivery.client_id)
    content = issuer.request_sealing.unseal(delivery.sealed)
    endpoint = client.backchannel_client_notification_endpoint if client is not None and client.enabled else None
    if client is None or content is None or endpoint is None:
        await queue.drop(delivery_id)
        return
    notification = BackchannelNotification.decode(content)
    if not notification.content:
        try:
            body = await _content(issuer, client, notification)
        except PollingError:  # not decided yet, or read a moment ago
            await _try_again(issuer, delivery_id, delivery, "the request is not decided")
            return
        notification = msgspec.structs.replace(notification, content=orjson.dumps(body).decode())
        if notification.mode is DeliveryMode.PUSH:  # the same tokens at the next attempt
            delivery = msgspec.structs.replace(delivery, sealed=_sealed(issuer, notification))
            await queue.queue(delivery_id, delivery, int(issuer.clock()) + pause_after(1))
    status, reason = await _posted(issuer, endpoint, notification)
    if not reason:
        await queue.drop(delivery_id)
        issuer.metrics.request("backchannel_notification", "ok")
    elif 300 <= status < 500 and status not in _TRIED_AGAIN:
        await _give_up(issuer, delivery_id, delivery, reason)
    else:
        await _try_again(issuer, delivery_id, delivery, reason)


async def _content(issuer: Issuer, client: Client, notification: BackchannelNotification) -> dict[str, object]:
    """Return the body to post (sections 10.2, 10.3.1, 12). Raises PollingError, TemporarilyUnavailable."""
    named: dict[str, object] = {"auth_req_id": notification.auth_req_id}
    if notification.mode is not DeliveryMode.PUSH:
        await end_pause(issuer, notification.auth_req_id)
        return named
    try:
        return named | await pushed_tokens(issuer, client, notification.auth_req_id)
    except (PollingError, TemporarilyUnavailable):
        raise
    except (AccessDenied, ExpiredToken) as error:
        return named | {"error": error.error, "error_description": error.description}
    except ProtocolError as error:
        issuer.refusals.record("backchannel_notification", error)
        return named | {"error": TRANSACTION_FAILED, "error_description": ServerError.description or "It failed."}


async def _posted(issuer: Issuer, endpoint: str, notification: BackchannelNotification) -> tuple[int, str]:
    """Post it. Return the status, 0 = none, and why it was not accepted, "" = it was."""
    try:
        post = partial(
            issuer.http_client.request,
            "POST",
            endpoint,
            Purpose.BACKCHANNEL,
            headers={**JSON_HEADERS, "Authorization": f"Bearer {notification.token}"},
            body=notification.content.encode(),
            max_bytes=None,
        )
        response = await issuer.silent_servers.call(endpoint, post)
    except HttpClientError as error:
        return 0, str(error)
    return response.status, "" if 200 <= response.status < 300 else f"answered {response.status}"


async def _try_again(issuer: Issuer, delivery_id: str, delivery: BackchannelDelivery, reason: str) -> None:
    failed = delivery.attempts + 1
    due = int(issuer.clock()) + pause_after(failed)
    if failed >= issuer.settings.backchannel_attempts or due > delivery.ends_at:
        await _give_up(issuer, delivery_id, delivery, reason)
        return
    facts = {"client_id": delivery.client_id, "attempts": failed, "reason": reason}
    log.warning(Event.BACKCHANNEL_NOTIFICATION_FAILED, extra=facts)
    tried = msgspec.structs.replace(delivery, attempts=failed)
    await issuer.store.backchannel_deliveries.queue(delivery_id, tried, due)


async def _give_up(issuer: Issuer, delivery_id: str, delivery: BackchannelDelivery, reason: str) -> None:
    await issuer.store.backchannel_deliveries.drop(delivery_id)
    issuer.metrics.request("backchannel_notification", "given_up")
    facts = {"client_id": delivery.client_id, "attempts": delivery.attempts + 1, "reason": reason}
    log.error(Event.BACKCHANNEL_NOTIFICATION_GIVEN_UP, extra=facts)
