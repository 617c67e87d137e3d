"""Back-channel logout: clients are notified of ended sessions until they accept it (OpenID Connect Back-Channel Logout)."""

import asyncio
import logging
from functools import partial
from urllib.parse import urlencode

import msgspec

from service.issuer import Issuer
from service.login.ending_sessions import resume_ending
from service.observe.events import Event
from service.outbound.delivery_loop import AT_ONCE, deliver_or_later, pause_after
from service.outbound.http_client import HttpClientError, Purpose
from service.protocol.errors import InvalidRequest, TemporarilyUnavailable
from service.records.client import Client
from service.records.logout_delivery import LogoutDelivery
from service.tokens.id_tokens import algorithm_of, encrypted_as_id_tokens, keyring_of

log = logging.getLogger(__name__)

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120
"""Lifetime of a logout token in seconds (Back-Channel Logout 2.4: two minutes at most)."""


async def deliver_due(issuer: Issuer) -> int:
    """Deliver what is due, concurrently. Return how many deliveries were tried. Raises TemporarilyUnavailable."""
    claimed = await issuer.store.logouts.claim(int(issuer.clock()), AT_ONCE)
    await asyncio.gather(*(_deliver_or_later(issuer, delivery_id, delivery) for delivery_id, delivery in claimed))
    return len(claimed)


async def logout_token(issuer: Issuer, client: Client, delivery: LogoutDelivery, jti: str) -> str:
    """Make the token for one client. Without a nonce it cannot be taken for an ID token.

    It is signed and encrypted as the ID tokens of the client are (Back-Channel Logout 2.4): a client whose ID tokens are
    encrypted should reject another one (2.6). Raises InvalidRequest, TemporarilyUnavailable where there is no key for that.
    """
    now = int(issuer.clock())
    claims = {
        "iss": issuer.url,
        "aud": client.client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": jti,
        "sub": delivery.subject,
        "sid": delivery.sid,
        "events": {EVENT: {}},
    }
    algorithm = algorithm_of(issuer, client.id_token_signed_response_alg)
    signed = keyring_of(issuer).sign(algorithm, claims, typ="logout+jwt")
    return await encrypted_as_id_tokens(issuer, client, signed, iss=issuer.url)


async def _deliver_or_later(issuer: Issuer, delivery_id: str, delivery: LogoutDelivery) -> None:
    deliver = partial(_deliver, issuer, delivery_id, delivery)
    try_again = partial(_try_again, issuer, delivery_id, delivery)
    await deliver_or_later(deliver, try_again, "logouts", delivery.client_id)


async def _deliver(issuer: Issuer, delivery_id: str, delivery: LogoutDelivery) -> None:
    if delivery.is_of_ending:
        await resume_ending(issuer, delivery)
        await issuer.store.logouts.drop(delivery_id)
        return
    client = await issuer.store.clients.get(delivery.client_id)
    if client is None or client.backchannel_logout_uri is None:
        await issuer.store.logouts.drop(delivery_id)
        return
    reason = await _posted(issuer, client, client.backchannel_logout_uri, delivery, delivery_id)
    if not reason:
        await issuer.store.logouts.drop(delivery_id)
        issuer.metrics.request("backchannel_logout", "ok")
        return
    await _try_again(issuer, delivery_id, delivery, reason)


async def _posted(issuer: Issuer, client: Client, uri: str, delivery: LogoutDelivery, jti: str) -> str:
    """Post the token. Return why it was not accepted, "" = it was."""
    try:
        token = await logout_token(issuer, client, delivery, jti)
        post = partial(
            issuer.http_client.request,
            "POST",
            uri,
            Purpose.LOGOUT,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({"logout_token": token}).encode(),
            max_bytes=None,
        )
        response = await issuer.silent_servers.call(uri, post)
    except (InvalidRequest, TemporarilyUnavailable) as error:  # no key to encrypt for; not Redis
        return error.log or error.description
    except HttpClientError as error:
        return str(error)
    return "" if response.status in (200, 204) else f"answered {response.status}"


async def _try_again(issuer: Issuer, delivery_id: str, delivery: LogoutDelivery, reason: str) -> None:
    failed = delivery.attempts + 1
    facts = {"client_id": delivery.client_id, "attempts": failed, "reason": reason}
    if failed >= issuer.settings.logout_attempts:
        await issuer.store.logouts.drop(delivery_id)
        issuer.metrics.request("backchannel_logout", "given_up")
        log.error(Event.BACKCHANNEL_LOGOUT_GIVEN_UP, extra=facts)
        return
    log.warning(Event.BACKCHANNEL_LOGOUT_FAILED, extra=facts)
    due = int(issuer.clock()) + pause_after(failed)
    await issuer.store.logouts.queue(delivery_id, msgspec.structs.replace(delivery, attempts=failed), due)
