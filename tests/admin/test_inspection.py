"""What would this token be, and why would it be refused: every kind of token, every reason."""

import json
from typing import Any

import pytest

from service.admin import client_ending, clients, grants, inspection, issued, users
from service.admin.actor import Actor, acting
from service.admin.errors import InvalidInput
from service.admin.inspection import finding
from service.admin.inspection.credentials import OPENERS
from service.admin.inspection.explanation import explain
from service.admin.inspection.finding import TEXTS, Inspection, What, Why
from service.admin.operations.tokens import IssuedCredential
from service.app import open_issuer
from service.protocol.credentials import Kind, base64url
from service.protocol.names import AccessTokenFormat
from service.records.audit_entry import Way
from service.store.scanning import LivingCredential
from service.tokens import polled_requests
from tests.dpop import Prover
from tests.polling import GRANT_TYPES, allow, begin, poll
from tests.world import CALLBACK, VERIFIER, World, settings_for


def part(members: dict[str, Any]) -> str:
    """A part of a JWT."""
    return base64url(json.dumps(members).encode())


async def seen(world: World, token: str) -> Inspection:
    found = await inspection.inspect(world.issuer, token)
    assert token not in json.dumps(finding.describe(found)), "the token itself is in no answer"
    return found


async def test_a_living_access_token(world: World) -> None:
    """IA-39: whose, what it allows, until when."""
    client = await world.client(audiences=("https://api.example",))
    tokens = await world.tokens(client, audience=("https://api.example",))
    found = await seen(world, f"  {tokens['access_token']}\n")
    assert (found.what, found.why, found.active) == (What.ACCESS_TOKEN, (), True)
    told = finding.describe(found)
    introspected = await world.introspect(tokens["access_token"])
    assert (told["client_id"], told["subject"], told["scope"]) == ("app", "alice", "read write")
    assert (told["ends_at"], told["jti"]) == (introspected["exp"], introspected["jti"])
    assert told["grant_id"] == tokens["access_token"][6:28]
    assert list(told["audience"]) == ["https://api.example"]


@pytest.mark.parametrize("form", [AccessTokenFormat.OPAQUE, AccessTokenFormat.JWT])
@pytest.mark.parametrize("audience", [(), ("https://api.example",)])
async def test_who_takes_it_is_told(world: World, form: AccessTokenFormat, audience: tuple[str, ...]) -> None:
    """Of a token without audience, that no API does, and what to do about it."""
    client = await world.client(audiences=audience, access_token_format=form)
    token = (await world.tokens(client, audience=audience))["access_token"]
    told = (await explain(world.issuer, await seen(world, token)))["accepted_by"]
    assert ("No API: it names no audience" in told, "https://api.example" in told) == (not audience, bool(audience))
    assert await explain(world.issuer, await seen(world, "mm_at_" + "a" * 65)) == {}


async def test_who_ended_it_is_told_where_the_audit_log_knows(world: World) -> None:
    tokens = await world.tokens(await world.client())
    with acting(Actor("ann", Way.CLI, "here")):
        await grants.revoke_grant(world.issuer, tokens["access_token"][6:28])
    found = await seen(world, tokens["access_token"])
    assert (await explain(world.issuer, found))["ended_by"].startswith("grant.revoke by ann (cli) at 20")
    assert "or it never was" not in TEXTS[Why.GRANT_ENDED]


async def test_a_token_of_a_client_itself(world: World) -> None:
    await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    found = await seen(world, token)
    assert found.active
    assert "subject" not in finding.describe(found)
    assert finding.describe(found)["grant_type"] == "client_credentials"


async def test_what_a_credential_is_bound_to(world: World) -> None:
    """Operators see why a token does not count without its key."""
    await world.public_client(scopes=("read",))
    client = await world.issuer.store.clients.get("phone")
    assert client
    prover = Prover()
    code = await world.code(client, verifier=VERIFIER, scope="read")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    tokens = await (
        await world.http.post("/token", data=form | {"client_id": "phone"}, headers=prover.headers())
    ).json()
    for name in ("access_token", "refresh_token"):
        assert finding.describe(await seen(world, tokens[name]))["bound_to"] == {"jkt": prover.jkt}
    await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    assert "bound_to" not in finding.describe(await seen(world, token))


async def test_a_refresh_token_and_its_use(world: World) -> None:
    """IA-38."""
    client = await world.client(refresh_limit=3)
    tokens = await world.tokens(client)
    found = await seen(world, tokens["refresh_token"])
    assert (found.what, found.why, found.refreshes_left) == (What.REFRESH_TOKEN, (), 3)
    assert found.ends_at > world.issuer.clock()
    await world.refresh(tokens["refresh_token"])
    found = await seen(world, tokens["refresh_token"])
    assert found.why == (Why.USED,)
    assert found.client_id == "app"


async def test_a_device_code_and_what_became_of_it(world: World) -> None:
    """Looking polls for nothing."""
    client = await world.client(grant_types=GRANT_TYPES)
    begun, denied = await begin(world, client), await begin(world, client)
    for _ in range(2):
        found = await seen(world, begun.credential)
        assert (found.what, found.why, found.client_id) == (What.POLLED_REQUEST, (Why.UNDECIDED,), "app")
    assert (found.scope, 0 < found.ends_at - world.issuer.clock() <= 601) == ("read write", True)
    await polled_requests.deny(world.issuer, denied.reference)
    assert (await seen(world, denied.credential)).why == (Why.DENIED,)
    await allow(world, client, begun.reference)
    found = await seen(world, begun.credential)
    assert (found.active, found.subject) == (True, "alice")
    tokens = await (await poll(world, begun.credential)).json()
    assert (await seen(world, begun.credential)).why == (Why.USED,)
    await world.revoke(tokens["refresh_token"])
    assert (await seen(world, begun.credential)).why == (Why.GRANT_ENDED,)


async def test_a_code_and_its_use(world: World) -> None:
    """IA-36: looking at a code does not spend it."""
    client = await world.client()
    code = await world.code(client)
    found = await seen(world, code)
    assert (found.what, found.why, found.scope) == (What.AUTHORIZATION_CODE, (), "read write")
    assert 0 < found.ends_at - world.issuer.clock() <= 61
    assert (await world.redeem(code)).status == 200
    assert (await seen(world, code)).why == (Why.USED,)


async def test_what_is_over(world: World) -> None:
    """A token that was revoked, of a grant that lives; and one of a grant that is gone."""
    client = await world.client()
    tokens = await world.tokens(client)
    await world.revoke(tokens["access_token"])
    found = await seen(world, tokens["access_token"])
    assert (found.why, found.client_id, found.subject) == ((Why.ENDED,), "app", "alice")
    await world.revoke(tokens["refresh_token"])
    for name, what in (("access_token", What.ACCESS_TOKEN), ("refresh_token", What.REFRESH_TOKEN)):
        found = await seen(world, tokens[name])
        assert (found.what, found.why, found.client_id) == (what, (Why.GRANT_ENDED,), "")


async def test_what_its_client_stands_in_the_way_of(world: World) -> None:
    client = await world.client()
    tokens = await world.tokens(client)
    await client_ending.disable_client(world.issuer, "app")
    assert (await seen(world, tokens["access_token"])).why == (Why.CLIENT_DISABLED,)
    await client_ending.revoke_client(world.issuer, "app")
    assert (await seen(world, tokens["access_token"])).why == (Why.CLIENT_REVOKED, Why.CLIENT_DISABLED)
    await client_ending.enable_client(world.issuer, "app")
    await clients.update_client(world.issuer, "app", {"grant_types": ("authorization_code",)})
    assert (await seen(world, tokens["refresh_token"])).why == (Why.CLIENT_REVOKED, Why.GRANT_TYPE_TAKEN)
    await client_ending.delete_client(world.issuer, "app")
    assert (await seen(world, tokens["access_token"])).why == (Why.CLIENT_DELETED,)


async def test_it_agrees_with_introspection(world: World) -> None:
    """Whatever is done to a token, both say the same of it."""
    client = await world.client()
    await world.user()

    async def agree(token: str) -> bool:
        found = await seen(world, token)
        response = await world.post("/introspect", {"token": token})
        if response.status == 200:
            assert found.active == (await response.json())["active"]
        return found.active

    for end in (world.revoke, None):
        tokens = await world.tokens(client)
        assert await agree(tokens["access_token"])
        await (end(tokens["refresh_token"]) if end else users.disable_user(world.issuer, "alice"))
        assert not await agree(tokens["access_token"])
        assert not await agree(tokens["refresh_token"])


# JWTs


async def jwt_token(world: World, format: AccessTokenFormat, **form: str) -> str:
    await world.client(access_token_format=format)
    response = await world.token(**({"grant_type": "client_credentials"} | form))
    return str((await response.json())["access_token"])


async def test_a_jwt_access_token(world: World) -> None:
    """It is what is kept under its jti."""
    token = await jwt_token(world, AccessTokenFormat.JWT)
    found = await seen(world, token)
    assert (found.what, found.why, found.signed_by_us) == (What.JWT_ACCESS_TOKEN, (), True)
    assert found.claims["iss"] == world.issuer.url
    await world.revoke(token)
    found = await seen(world, token)
    assert found.why == (Why.GRANT_ENDED,)
    assert (found.client_id, found.scope, found.signed_by_us) == ("app", "read", True)


async def test_a_stateless_token(world: World) -> None:
    token = await jwt_token(world, AccessTokenFormat.STATELESS)
    found = await seen(world, token)
    assert (found.what, found.why) == (What.STATELESS_ACCESS_TOKEN, ())
    await client_ending.revoke_client(world.issuer, "app")
    assert (await seen(world, token)).why == (Why.CLIENT_REVOKED,)


@pytest.mark.parametrize("format", [AccessTokenFormat.JWT, AccessTokenFormat.STATELESS])
async def test_a_jwt_whose_time_is_over(world: World, format: AccessTokenFormat) -> None:
    token = await jwt_token(world, format)
    async with world.with_part(clock=lambda: world.issuer.clock() + 7200) as later:
        later.expire(":access:")
        found = await seen(later, token)
    assert (found.why, found.client_id) == ((Why.EXPIRED,), "app")


async def test_an_id_token_opens_nothing(world: World) -> None:
    """IA-37: it names its grant."""
    client = await world.openid_client()
    await world.user()
    tokens = await world.tokens(client, scope="openid read", verifier=None)
    found = await seen(world, tokens["id_token"])
    assert (found.what, found.why) == (What.ID_TOKEN, (Why.OTHER_PURPOSE,))
    assert (found.client_id, found.subject) == ("app", "alice")
    assert found.grant_id == tokens["access_token"][6:28]


async def test_forged_foreign_and_broken_jwts(world: World) -> None:
    token = await jwt_token(world, AccessTokenFormat.JWT)
    head, body, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    forged = f"{head}.{body}.{signature[:10]}{other}{signature[11:]}"
    assert (await seen(world, forged)).why == (Why.BAD_SIGNATURE,)
    foreign = f"{part({'alg': 'RS256', 'kid': 'k'})}.{part({'iss': 'https://other.example'})}.AAAA"
    found = await seen(world, foreign)
    assert (found.what, found.why, found.signed_by_us) == (What.JWT, (Why.OTHER_ISSUER,), False)
    ours = f"{part({'alg': 'RS256', 'kid': 'k'})}.{part({'iss': world.issuer.url})}.AAAA"
    assert (await seen(world, ours)).why == (Why.UNKNOWN_KEY,)
    none = f"{part({'alg': 'none'})}.{part({'iss': world.issuer.url})}."
    assert not (await seen(world, none)).active
    assert (await seen(world, "a.b.c")).why == (Why.MALFORMED,)


@pytest.mark.parametrize("claims", [{"exp": "soon"}, {"exp": 1e300}, {"exp": -1}, {"iat": True}, {"exp": 10**18}])
async def test_times_that_no_clock_shows_do_no_harm(world: World, claims: dict[str, Any]) -> None:
    token = f"{part({'alg': 'RS256'})}.{part({'iss': 'x', **claims})}.AAAA"
    found = await seen(world, token)
    assert (found.why, found.ends_at, found.issued_at) == ((Why.OTHER_ISSUER,), 0, 0)


async def test_what_is_nested_too_deep_to_be_shown_is_malformed(world: World) -> None:
    nested = b'{"iss":"x","a":' + b"[" * 300 + b"]" * 300 + b"}"
    for head, body in ((b'{"alg":"RS256"}', nested), (nested, b"{}")):
        found = await seen(world, f"{base64url(head)}.{base64url(body)}.AAAA")
        assert (found.what, found.why) == (What.UNKNOWN, (Why.MALFORMED,))


async def test_what_is_no_token(world: World) -> None:
    for text, kind in (("mm_cs_" + "s" * 43, "client_secret"), ("mm_ss_" + "s" * 65, "session_cookie")):
        found = await seen(world, text)
        assert (found.what, found.why, found.kind) == (What.OTHER_CREDENTIAL, (Why.NO_TOKEN,), kind)
    for other in set(Kind) - set(OPENERS):
        found = await seen(world, other + "s" * 43)
        assert (found.what, found.kind) == (What.OTHER_CREDENTIAL, other.name.lower())
    for text in ("", " ", "hello", "mm_at_short", "ü" * 40, "a" * 20_000, "mm_at_" + "a" * 65 + "b"):
        assert (await inspection.inspect(world.issuer, text)).why == (Why.MALFORMED,)


async def test_without_keys_a_jwt_of_ours_cannot_be_judged(world: World) -> None:
    token = await jwt_token(world, AccessTokenFormat.JWT)
    settings = settings_for(world.redis.url, signing_key_files=())
    async with open_issuer(settings, listen=False) as plain:
        assert plain.keyring is None
        assert (await inspection.inspect(plain, token)).why == (Why.NOT_SUPPORTED,)


def test_every_reason_has_words() -> None:
    assert set(TEXTS) == set(Why)


# what a grant has issued


async def test_what_is_alive_in_a_grant(world: World) -> None:
    client = await world.client()
    tokens = await world.tokens(client, verifier=None)
    refreshed = await (await world.refresh(tokens["refresh_token"])).json()
    grant_id = tokens["access_token"][6:28]
    page = await issued.list_issued(world.issuer, grant_id)
    assert page.cursor == ""
    described = [IssuedCredential.of(one).body for one in page.rows]
    living = [one["kind"] for one in described if not one["used"]]
    assert living == ["access_token", "access_token", "refresh_token"]
    assert sorted(one["kind"] for one in described if one["used"]) == ["authorization_code", "refresh_token"]
    text = json.dumps(described)
    assert all(secret not in text for secret in (tokens["access_token"], refreshed["refresh_token"]))
    assert all(one["ends_at"] > world.issuer.clock() for one in described)


async def test_a_grant_among_many_keys_is_searched_in_steps(world: World) -> None:
    """Bounded work a call: a page may be empty though more follow."""
    client = await world.client()
    tokens = await world.tokens(client)
    steps = world.redis.primaries()[0].admin.pipeline()
    for number in range(5000):
        steps.set(f"other:{number}", "x")
    steps.execute()
    found: list[LivingCredential] = []
    cursor, calls = "", 0
    while calls == 0 or cursor:
        page = await issued.list_issued(world.issuer, tokens["access_token"][6:28], cursor, 500)
        found, cursor, calls = found + page.rows, page.cursor, calls + 1
    assert calls >= 10
    assert {one.kind for one in found} == {"access", "refresh", "code"}


async def test_what_is_no_grant_id_or_cursor_is_refused(world: World) -> None:
    for grant_id, cursor in (("*", ""), ("a" * 22, "x"), ("a" * 22, "-1")):
        with pytest.raises(InvalidInput):
            await issued.list_issued(world.issuer, grant_id, cursor)


async def test_in_every_shape_of_redis(any_world: World) -> None:
    tokens = await any_world.tokens(await any_world.client())
    assert (await inspection.inspect(any_world.issuer, tokens["access_token"])).active
    page = await issued.list_issued(any_world.issuer, tokens["access_token"][6:28])
    assert {one.kind for one in page.rows} == {"access", "refresh", "code"}
