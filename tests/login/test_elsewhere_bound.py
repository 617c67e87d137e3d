"""Tokens that are delivered (push) are bound to no key: whoever asked for a binding gets none without it (P9)."""

from typing import Any

import pytest

from service.login.backchannel_deliveries import deliver_due
from service.protocol.binding import Binding
from service.protocol.names import DeliveryMode
from service.records.polled_request import Allowance
from service.tokens import polled_requests
from tests.backchannel import PATH, ask, decide, notification_token
from tests.dpop import Prover
from tests.login.test_backchannel_deliveries import Receiver, begun, notified_client, person, receiver
from tests.person import Person
from tests.world import basic, error_of

__all__ = ["person", "receiver"]


async def test_a_request_for_bound_tokens_is_refused(person: Person, receiver: Receiver) -> None:
    """Whether the key is named or proved; a client that polls may name it."""
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    prover, token = Prover(), notification_token()
    named = await ask(person.world, client_notification_token=token, dpop_jkt=prover.jkt)
    assert await error_of(named) == (400, "invalid_request")
    form = {"scope": "openid", "login_hint": "alice", "client_notification_token": token}
    headers = basic("bank") | prover.headers(url=person.world.issuer.url + PATH)
    proved = await person.world.http.post(PATH, data=form, headers=headers)
    assert await error_of(proved) == (400, "invalid_request")
    await notified_client(person.world, DeliveryMode.PING, receiver.uri)
    assert (await ask(person.world, client_notification_token=token, dpop_jkt=prover.jkt)).status == 200


@pytest.mark.parametrize("member", ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"])
async def test_a_client_whose_tokens_have_to_be_bound_by_now_gets_none(
    person: Person, receiver: Receiver, member: str
) -> None:
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, _ = await begun(person)
    await decide(person, "allow")
    client = await person.world.issuer.store.clients.read("bank")
    assert client
    bound: dict[str, Any] = {member: True}
    await person.world.change(client, **bound)
    await deliver_due(person.world.issuer)
    [body] = receiver.bodies
    assert (body["auth_req_id"], body["error"]) == (auth_req_id, "transaction_failed")
    assert "access_token" not in body


async def test_a_request_that_is_bound_all_the_same_brings_none(
    person: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that an earlier release took, or whose client changed its delivery mode."""
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    await begun(person)
    binding = Binding(jkt=Prover().jkt)
    monkeypatch.setattr(polled_requests, "Allowance", lambda _, by: Allowance(binding, by))
    await decide(person, "allow")
    monkeypatch.undo()
    await deliver_due(person.world.issuer)
    assert receiver.bodies[0]["error"] == "transaction_failed"
