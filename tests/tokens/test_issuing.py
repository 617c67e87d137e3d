"""The single mint, as values: what a decision API or a hook sees of what was issued (Authlete's TokenResponse)."""

from typing import Any

import orjson
import pytest

from service.endpoints import token
from service.grants import GRANT_TYPES
from service.protocol.decision import Decision
from service.protocol.errors import InvalidGrant
from service.protocol.names import RefreshRotation
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.records.client import Client
from service.records.property import Property
from service.store.spending import Outcome, Spending
from service.store.tokens import Tokens
from service.tokens.authorization import Authorization, Issued
from service.tokens.issuing import issue
from service.tokens.refresh_tokens import KeptRefreshToken
from service.tokens.token_request import TokenRequest
from tests.world import CALLBACK, World, basic, error_of

AUDIENCE = ("https://api.example",)


async def _decide(world: World, **form: str) -> Decision:
    """The token endpoint's decision, without HTTP."""
    request = Request(form, basic("app")["Authorization"], "192.0.2.1")
    return await token.decide(world.issuer, request)


async def _issued(world: World, **form: str) -> Issued:
    issued = (await _decide(world, **form)).issued
    assert isinstance(issued, Issued)
    return issued


async def _by_code(world: World, code: str) -> Issued:
    return await _issued(world, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)


async def test_what_was_issued_is_told_in_parts(world: World) -> None:
    """AU-16, AU-17, AU-18, AU-19, AU-20, AU-21, AU-24, AU-25, AU-28, AU-29, AU-30, IA-21; in seconds."""
    properties = (Property("tenant", 7),)
    async with world.standing() as world:
        now = int(world.issuer.clock())
        client = await world.client(audiences=AUDIENCE, access_token_lifetime=100, refresh_idle_lifetime=1000)
        code = await world.code(client, scope="read", audience=AUDIENCE, properties=properties, subject="sub-1")
        issued = await _by_code(world, code)
        told = {kind: await world.introspect(token) for kind, token in _tokens(issued).items()}
    assert (issued.access_token_ends_at, issued.refresh_token_ends_at) == (now + 100, now + 1000)
    assert (issued.scope, issued.audience, issued.repeated) == ("read", AUDIENCE, False)
    grant = issued.grant
    assert (grant.grant_type, grant.client_id, grant.subject) == ("authorization_code", "app", "sub-1")
    assert grant.properties == properties
    assert told["access"]["exp"] == issued.access_token_ends_at
    assert told["refresh"]["exp"] == issued.refresh_token_ends_at


def _tokens(issued: Issued) -> dict[str, str]:
    return {"access": issued.access_token, "refresh": issued.refresh_token}


async def test_the_ready_made_body_says_the_same_as_the_parts(world: World) -> None:
    """AU-10, AU-14, AU-16, AU-17, AU-19."""
    client = await world.client()
    decision = await _decide(
        world, grant_type="authorization_code", code=await world.code(client), redirect_uri=CALLBACK
    )
    issued = decision.issued
    assert isinstance(issued, Issued)
    assert decision.content == issued.content
    body: dict[str, Any] = orjson.loads(decision.content)
    assert (body["access_token"], body["refresh_token"]) == (issued.access_token, issued.refresh_token)
    assert body["scope"] == issued.scope


@pytest.mark.parametrize(
    ("changes", "grant_type"),
    [
        pytest.param({}, "client_credentials", id="the client itself"),
        pytest.param({"refresh_limit": 0}, "authorization_code", id="WM-20 a refresh limit of 0"),
        pytest.param({"grant_types": ("authorization_code",)}, "authorization_code", id="no refresh for this client"),
    ],
)
async def test_without_a_refresh_token_its_parts_are_empty_and_0(
    world: World, changes: dict[str, Any], grant_type: str
) -> None:
    """AU-19, AU-20, AU-21, IT-20."""
    client = await world.client(**changes)
    issued = await _issued(world, grant_type=grant_type, code=await world.code(client), redirect_uri=CALLBACK)
    assert (issued.refresh_token, issued.refresh_token_ends_at) == ("", 0)


async def test_a_refresh_token_that_never_ends_says_0_too(world: World) -> None:
    """IA-24, AU-21."""
    client = await world.client(refresh_idle_lifetime=0, refresh_absolute_lifetime=0)
    issued = await _by_code(world, await world.code(client))
    assert issued.refresh_token
    assert issued.refresh_token_ends_at == 0


async def test_a_grant_of_nobody_has_no_subject(world: World) -> None:
    """AU-28, IT-04."""
    await world.client()
    issued = await _issued(world, grant_type="client_credentials")
    assert (issued.grant.subject, issued.grant.name, issued.grant.auth_time) == ("", "", 0)


async def test_a_repeated_answer_is_known_as_one(world: World) -> None:
    """Authlete's refreshTokenIdempotent: the same content, and nothing new in parts."""
    client = await world.client()
    first = await _by_code(world, await world.code(client))
    form = {"grant_type": "refresh_token", "refresh_token": first.refresh_token}
    second, repeat = await _issued(world, **form), await _issued(world, **form)
    assert (second.repeated, repeat.repeated) == (False, True)
    assert repeat.content == second.content
    assert repeat.grant == second.grant


async def test_tokens_of_one_grant_share_its_id_and_nothing_else(world: World) -> None:
    """IT-21, IA-10: the id was there with the code; the secrets are 256 bits each, all different."""
    client = await world.client()
    code = await world.code(client)
    first = await _by_code(world, code)
    second = await _issued(world, grant_type="refresh_token", refresh_token=first.refresh_token)
    credentials = [code, first.access_token, first.refresh_token, second.access_token, second.refresh_token]
    assert len({credential[6:28] for credential in credentials}) == 1
    assert len({credential[28:] for credential in credentials}) == 5
    assert all(len(credential[28:]) == 43 for credential in credentials)


async def test_everything_of_a_grant_lies_in_one_slot_under_hashes(world: World) -> None:
    """IA-18, IA-36, IA-38, IA-39: keys are made of the grant id and the SHA-512 of the credential."""
    client = await world.client()
    first = await _by_code(world, await world.code(client))
    await _issued(world, grant_type="refresh_token", refresh_token=first.refresh_token)
    tag = "mm:{" + first.access_token[6:28] + "}"
    keys = world.key_names("mm:{") - world.key_names("user:")
    assert all(key.startswith(tag) for key in keys)
    assert sorted(key.removeprefix(tag).rpartition(":")[0] for key in keys) == [
        *("", ":access", ":access", ":code", ":refresh", ":refresh", ":reply"),
    ]


@pytest.mark.parametrize("subject", ["{alice}", "a}b", "*", "alice\r\n", "user:alice", "ünï", "a" * 255])
async def test_a_subject_of_any_characters_has_an_index_of_its_own(world: World, subject: str) -> None:
    """IA-40: whoever named it, its grants are found, and nobody else's."""
    client = await world.client()
    others = await world.tokens(client, subject="alice")
    tokens = await world.tokens(client, subject=subject)
    assert all(key.count("{") <= 1 and "\n" not in key for key in world.key_names())
    assert await world.issuer.store.grants.revoke_user(subject) == 1
    assert not await world.is_active(tokens["access_token"])
    assert await world.is_active(others["access_token"])


# what happens between reading a credential and swapping it, step by step (the races themselves: tests/journeys)


async def _authorized(world: World, client: Client, **form: str) -> Authorization:
    """What a grant type answers, before anything is issued."""
    request = Request(form)
    token_request = TokenRequest(request, client, Requested.of(request), [])
    return await GRANT_TYPES[form["grant_type"]].authorize(world.issuer, token_request)


def _code_form(code: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}


def _refresh_form(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token}


async def test_of_two_who_read_the_same_unspent_code_the_second_ends_the_grant(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """P1, IA-44."""
    client = await world.client()
    form = _code_form(await world.code(client))
    one, other = await _authorized(world, client, **form), await _authorized(world, client, **form)
    issued = await issue(world.issuer, client, one)
    with pytest.raises(InvalidGrant):
        await issue(world.issuer, client, other)
    assert not await world.is_active(issued.access_token)
    assert [record.getMessage() for record in caplog.records] == ["code_replayed"]


async def test_of_two_who_read_the_same_unused_refresh_token_both_get_one_answer(world: World) -> None:
    """P2."""
    client = await world.client()
    form = _refresh_form((await world.tokens(client))["refresh_token"])
    one, other = await _authorized(world, client, **form), await _authorized(world, client, **form)
    first, second = await issue(world.issuer, client, one), await issue(world.issuer, client, other)
    assert (first.repeated, second.repeated, second.content) == (False, True, first.content)
    assert len(world.key_names(":refresh:")) == 2


async def test_without_grace_the_second_of_the_two_ends_the_family(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = await world.client(refresh_grace=0)
    form = _refresh_form((await world.tokens(client))["refresh_token"])
    one, other = await _authorized(world, client, **form), await _authorized(world, client, **form)
    issued = await issue(world.issuer, client, one)
    with pytest.raises(InvalidGrant):
        await issue(world.issuer, client, other)
    assert not await world.is_active(issued.access_token)
    assert [record.getMessage() for record in caplog.records] == ["refresh_token_reused"]


@pytest.mark.parametrize("left", [2, 3])
async def test_of_a_kept_refresh_token_no_refresh_is_counted_twice_or_not_at_all(world: World, left: int) -> None:
    """WM-20 with rotation never: the count is compared before it is written."""
    client = await world.client(refresh_rotation=RefreshRotation.NEVER, refresh_limit=left)
    token = (await world.tokens(client))["refresh_token"]
    one = await _authorized(world, client, **_refresh_form(token))
    other = await _authorized(world, client, **_refresh_form(token))
    assert (await issue(world.issuer, client, one)).refresh_token == token
    assert isinstance(other.spends, KeptRefreshToken)
    assert other.spends.opened.record is not None
    assert other.spends.opened.record.refreshes_left == left, "read before the first one was through"
    assert (await issue(world.issuer, client, other)).refresh_token == ("" if left == 2 else token)
    assert (await world.refresh(token)).status == (400 if left == 2 else 200)


@pytest.mark.parametrize("rotation", [RefreshRotation.ALWAYS, RefreshRotation.NEVER])
@pytest.mark.parametrize("kind", ["code", "refresh_token"])
async def test_a_grant_that_is_ended_meanwhile_stays_ended(world: World, kind: str, rotation: RefreshRotation) -> None:
    """P6: whatever overlaps a revocation mints nothing that survives it."""
    client = await world.client(refresh_rotation=rotation)
    form = _code_form(await world.code(client))
    if kind == "refresh_token":
        form = _refresh_form((await (await world.post("/token", form)).json())["refresh_token"])
    authorization = await _authorized(world, client, **form)
    assert await world.issuer.store.grants.revoke_user("alice") == 1
    with pytest.raises(InvalidGrant):
        await issue(world.issuer, client, authorization)
    assert await world.issuer.store.grants.revoke_user("alice") == 0


async def test_a_person_who_is_disabled_while_signing_in_gets_nothing(world: World) -> None:
    """P6, IA-34."""
    await world.user()
    client = await world.client()
    form = {"grant_type": "password", "username": "alice", "password": "wonderland"}
    authorization = await _authorized(world, client, **form)
    await world.set_enabled("alice", enabled=False)
    with pytest.raises(InvalidGrant):
        await issue(world.issuer, client, authorization)
    assert not (await world.issuer.store.grants.list_of_user("alice")).grants


async def test_a_waiting_answer_that_was_tampered_with_is_refused(world: World) -> None:
    """P2: it is sealed; who can write to Redis cannot put an answer into our mouth."""
    client = await world.client()
    token = (await world.tokens(client))["refresh_token"]
    await world.refresh(token)
    (key,) = world.key_names(":reply:")
    world.redis.nodes[0].admin.setrange(key, 40, b"\x00\x00\x00\x00")
    assert await error_of(await world.refresh(token)) == (400, "invalid_grant")


async def test_a_refresh_token_that_everybody_changes_is_503_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: tried again a few times, never for ever."""
    tried = []

    async def changed(*_: object) -> Spending:
        tried.append(1)
        return Spending(Outcome.CHANGED)

    client = await world.client(refresh_rotation=RefreshRotation.NEVER)
    token = (await world.tokens(client))["refresh_token"]
    monkeypatch.setattr(Tokens, "reuse", changed)
    assert await error_of(await world.refresh(token)) == (503, "temporarily_unavailable")
    assert len(tried) == 8
