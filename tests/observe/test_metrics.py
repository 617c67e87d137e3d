"""Metrics: what is counted, and that nobody from outside can invent a label."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.grants import GRANT_TYPES
from service.observe.metrics import SECURITY_EVENTS, Metrics
from tests.world import World


def _counted(metrics: Metrics, family: str) -> dict[tuple[str, ...], float]:
    """Label values → count."""
    return {
        tuple(sample.labels.values()): sample.value
        for found in text_string_to_metric_families(metrics.exposition().decode())
        for sample in found.samples
        if sample.name == family + "_total"
    }


@pytest.mark.parametrize(
    ("form", "labels"),
    [
        pytest.param({"grant_type": "client_credentials"}, ("client_credentials", "ok"), id="a success"),
        pytest.param(
            {"grant_type": "refresh_token", "refresh_token": "x"}, ("refresh_token", "invalid_grant"), id="refused"
        ),
        pytest.param({"grant_type": "authorization_code"}, ("authorization_code", "invalid_request"), id="incomplete"),
        pytest.param({"grant_type": "x" * 1000}, ("unknown", "unsupported_grant_type"), id="an unknown grant type"),
        pytest.param(
            {"grant_type": 'a"} 1\nevil 2'}, ("unknown", "unsupported_grant_type"), id="an attack on the format"
        ),
    ],
)
async def test_token_requests_are_counted_by_grant_type_and_outcome(
    world: World, form: dict[str, str], labels: tuple[str, str]
) -> None:
    await world.client()
    for _ in range(2):
        await world.post("/token", form)
    assert _counted(world.issuer.metrics, "mintmark_token_requests") == {labels: 2.0}


async def test_made_up_names_make_no_labels(world: World) -> None:
    """Every label would cost memory for ever."""
    await world.client()
    for number in range(20):
        await world.token(grant_type=f"made-up-{number}")
        await world.token(f"ghost-{number}", grant_type=f"made-up-{number}")
    counted = _counted(world.issuer.metrics, "mintmark_token_requests")
    assert counted == {("unknown", "unsupported_grant_type"): 20.0, ("unknown", "invalid_client"): 20.0}


async def test_introspection_and_revocation_are_counted_by_outcome(world: World) -> None:
    client = await world.client()
    await world.client("thief")
    tokens = await world.tokens(client)
    await world.introspect(tokens["access_token"])
    await world.introspect("x")
    await world.revoke(tokens["access_token"], "thief")
    await world.revoke(tokens["access_token"])
    await world.revoke("x")
    assert _counted(world.issuer.metrics, "mintmark_requests") == {
        ("introspect", "active"): 1.0,
        ("introspect", "inactive"): 1.0,
        ("revoke", "foreign"): 1.0,
        ("revoke", "revoked"): 1.0,
        ("revoke", "unknown"): 1.0,
    }


def test_security_events_are_there_from_the_start() -> None:
    """A series that appears with its first event cannot be alerted on."""
    metrics = Metrics()
    assert _counted(metrics, "mintmark_security_events") == {(event,): 0.0 for event in SECURITY_EVENTS}
    metrics.security_event("code_replayed")
    assert _counted(metrics, "mintmark_security_events")["code_replayed",] == 1.0


def test_two_services_in_one_process_count_for_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.token_request(next(iter(GRANT_TYPES)), "ok")
    assert _counted(one, "mintmark_token_requests")
    assert not _counted(other, "mintmark_token_requests")


async def test_every_refusal_is_counted_by_endpoint_and_error(world: World) -> None:
    await world.client()
    await world.http.get("/token")
    await world.post("/introspect", {})
    await world.post("/revoke", {"token": "x"}, "ghost")
    assert _counted(world.issuer.metrics, "mintmark_refusals") == {
        ("token", "invalid_request"): 1.0,
        ("introspect", "invalid_request"): 1.0,
        ("revoke", "invalid_client"): 1.0,
    }
