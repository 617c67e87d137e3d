"""Signatures, checked by an implementation that is not ours: the package of Standard Webhooks itself."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.hooks.signature import signed
from service.settings.hooks import secret_bytes
from tests.hooks.receiver import HOOK_SECRET, Receiver, hooked
from tests.redis_shapes import Shape

OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()


async def test_a_delivery_is_signed_by_both_secrets_while_one_is_changed(redis: Shape, receiver: Receiver) -> None:
    """Who knows the old one and who knows the new one accept it, and nobody else does."""
    receiver.answers["claims"] = {}
    hook = {"url": receiver.url, "events": ["claims"]}
    async with hooked(redis, {"crm": hook}, secret=f"{OTHER} {HOOK_SECRET}") as world:
        await world.client()
        assert (await world.token(grant_type="client_credentials")).status == 200
    headers, body = receiver.raw[0]
    for secret in (HOOK_SECRET, OTHER):
        assert Webhook(secret).verify(body, headers)["type"] == "claims"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 32).decode()).verify(body, headers)
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["timestamp"].endswith("Z")


async def test_a_receiver_with_another_secret_refuses_us(redis: Shape, receiver: Receiver) -> None:
    """What it answers then (500 here) is a failure like any other."""
    async with hooked(redis, {"crm": {"url": receiver.url, "events": ["claims"]}}, secret=OTHER) as world:
        await world.client()
        assert (await world.token(grant_type="client_credentials")).status == 503
    assert receiver.heard == []


@pytest.mark.parametrize("change", ["body", "id", "timestamp"])
def test_nothing_that_is_signed_can_be_changed(change: str) -> None:
    now = datetime.now(tz=UTC)
    body = b'{"type": "claims"}'
    headers = signed([secret_bytes(HOOK_SECRET)], "msg_1", int(now.timestamp()), body)
    assert Webhook(HOOK_SECRET).verify(body, headers)
    if change == "body":
        body = body.replace(b"claims", b"revoke")
    elif change == "id":
        headers["webhook-id"] = "msg_2"
    else:
        headers["webhook-timestamp"] = str(int((now + timedelta(seconds=1)).timestamp()))
    with pytest.raises(WebhookVerificationError):
        Webhook(HOOK_SECRET).verify(body, headers)


def test_what_was_recorded_is_refused_later() -> None:
    """The time is signed: replayed ten minutes later it is too old."""
    then = int(datetime.now(tz=UTC).timestamp()) - 600
    headers = signed([secret_bytes(HOOK_SECRET)], "msg_1", then, b"{}")
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(HOOK_SECRET).verify(b"{}", headers)
