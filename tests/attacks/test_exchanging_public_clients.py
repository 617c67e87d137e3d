"""Public clients prove nothing: who has found a token of one gets no more by an exchange than that token is good for."""

from typing import Any

import pytest

from service.records.client import Client
from tests.dpop import Prover
from tests.exchanging import ACCESS, EXCHANGE, ID, ORDERS, REFRESH, STOCK
from tests.world import CALLBACK, VERIFIER, World, error_of

GRANT_TYPES = ("authorization_code", "refresh_token", EXCHANGE)


async def phone(world: World, **changes: Any) -> Client:
    wished = {"audiences": (ORDERS,), "grant_types": GRANT_TYPES, "exchange_audiences": (STOCK,)}
    return await world.public_client("phone", **(wished | {"scopes": ("openid", "read", "write")} | changes))


async def held(world: World, client: Client, headers: dict[str, str] | None = None, **code: Any) -> dict[str, Any]:
    """What the app of the phone has, bound to a key where the headers prove one."""
    made = await world.code(client, verifier=VERIFIER, scope="openid read write", **code)
    form = {"grant_type": "authorization_code", "code": made, "redirect_uri": CALLBACK, "client_id": "phone"}
    response = await world.http.post("/token", data=form | {"code_verifier": VERIFIER}, headers=headers or {})
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


def asking(token: str, kind: str, **form: str) -> dict[str, str]:
    return {"grant_type": EXCHANGE, "client_id": "phone", "subject_token": token, "subject_token_type": kind, **form}


@pytest.mark.parametrize(("name", "kind"), [("id_token", ID), ("refresh_token", REFRESH)])
async def test_no_other_token_than_an_access_token_is_exchanged(world: World, name: str, kind: str) -> None:
    """An ID token stands in logs (id_token_hint), and would buy tokens that no key is needed for."""
    prover = Prover()
    tokens = await held(world, await phone(world), prover.headers(), audience=(ORDERS,))
    bare = asking(tokens[name], kind, audience=STOCK)
    assert await error_of(await world.post("/token", bare, None)) == (400, "invalid_request")
    proved = await world.http.post("/token", data=bare, headers=prover.headers())
    assert await error_of(proved) == (400, "invalid_request")
    good = asking(tokens["access_token"], ACCESS, audience=STOCK)
    assert await error_of(await world.post("/token", good, None)) == (400, "invalid_request"), "the key is missing"
    assert (await world.http.post("/token", data=good, headers=prover.headers())).status == 200


async def test_a_token_for_no_audience_becomes_one_for_a_named_one_alone(world: World) -> None:
    """Without an audience it would be good at every API."""
    tokens = await held(world, await phone(world, audiences=()))
    bare = asking(tokens["access_token"], ACCESS)
    assert await error_of(await world.post("/token", bare, None)) == (400, "invalid_target")
    assert (await world.post("/token", bare | {"audience": STOCK}, None)).status == 200
