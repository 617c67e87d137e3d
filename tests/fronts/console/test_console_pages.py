"""The other pages: people, grants, keys, trusted issuers, the log; and what is shown when Redis is gone."""

import re
from html import unescape
from urllib.parse import unquote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.admin import grants, trusts, users
from service.admin.errors import NotFound
from service.app import open_issuer
from service.fronts.console.searching import SHOWN
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.protocol.names import KeyManagement
from service.records.user import User
from tests.console import TOKENS, Operator, operators_port, text_of
from tests.encrypting import decrypting
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import World, settings_for

HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>"


# the dashboard


async def test_the_dashboard_tells_live_grants_by_client(alice: Operator) -> None:
    world = alice.world
    for client_id, count in (("shop", 3), ("phone", 1)):
        client = await world.client(client_id)
        for _ in range(count):
            await world.tokens(client)
    async with operators_port(world) as http:  # a count is kept for a little while
        operator = Operator(world, http)
        shown = await operator.sign_in()
        told = text_of(shown)
        assert re.search(r"shop 3 phone 1", told)
        assert "4 in all, counted among all" in told
        fragment = await operator.get("/console/numbers")
        assert "<html" not in fragment.text
        assert "shop 3" in text_of(fragment)


# people


async def test_a_person_from_beginning_to_end(alice: Operator) -> None:
    world = alice.world
    shown = await alice.post("/console/users/new", username="carol", password="secret-of-carol", name="Carol D")
    assert (shown.heading, "The user is created." in text_of(shown)) == ("carol", True)
    assert (await users.get_user(world.issuer, "carol")).claims == {"name": "Carol D"}
    assert (await world.issuer.directory.verify("carol", "secret-of-carol", "192.0.2.1")) is not None
    shown = await alice.post("/console/user/password", name="carol", password="another-secret", again="other")
    assert (shown.status, "The two are not alike" in text_of(shown).replace("the two", "The two")) == (422, True)
    shown = await alice.post("/console/user/password", name="carol", password="short", again="short")
    assert "must have 8 to" in text_of(shown)
    shown = await alice.post("/console/user/password", name="carol", password="another-secret", again="another-secret")
    assert "The password is set" in text_of(shown)
    assert (await world.issuer.directory.verify("carol", "another-secret", "192.0.2.1")) is not None
    assert "disabled" in text_of(await alice.post("/console/user/act", name="carol", act="disable"))
    assert not (await users.get_user(world.issuer, "carol")).enabled
    assert "may sign in again" in text_of(await alice.post("/console/user/act", name="carol", act="enable"))
    assert (await alice.post("/console/user/act", name="carol", act="delete", typed="alice")).status == 422
    assert "is deleted" in text_of(await alice.post("/console/user/act", name="carol", act="delete", typed="carol"))
    assert (await alice.get("/console/user", name="carol")).status == 404


async def test_faults_of_a_new_user_do_not_repeat_the_password(alice: Operator) -> None:
    await alice.world.user("bob")
    for username, password, told in (
        ("bob", "secret-of-bob", "already"),
        ("x" * 300, "secret-of-x", "255"),
        ("y", "short", "8 to"),
    ):
        shown = await alice.post("/console/users/new", username=username, password=password, email="e@example.com")
        assert (shown.status, told in text_of(shown)) == (422, True), text_of(shown)
        assert password not in shown.text
        assert 'value="e@example.com"' in shown.text


async def test_revoke_all_tells_the_exact_count(alice: Operator) -> None:
    """IA-40."""
    world = alice.world
    client = await world.client()
    await world.user()
    tokens = [await world.tokens(client) for _ in range(3)]
    shown = await alice.get("/console/user", name="alice")
    assert len(re.findall(r'href="/console/grant\?id=', shown.text)) == 3
    await world.revoke(tokens[0]["refresh_token"])
    shown = await alice.post("/console/user/act", name="alice", act="sign-out")
    assert "The user is signed out; 2 grants and 0 sessions ended." in text_of(shown)
    assert not await world.is_active(tokens[1]["access_token"])


async def test_a_session_is_ended_alone(alice: Operator) -> None:
    world = alice.world
    await world.openid_client()
    await world.user()
    await world.user("bob")
    browsers = [Person(world), Person(world)]
    for one in browsers:
        await one.sign_in()
    shown = await alice.get("/console/user", name="alice")
    sids = re.findall(r'sid=([^"]*)"', shown.text)
    assert len(sids) == 2
    asked = await alice.get("/console/user/session", name="alice", sid=sids[0])
    assert asked.heading == "End this session of alice?"
    assert 'action="/console/user/session"' in asked.text
    assert await world.issuer.store.sessions.get(sids[0]) is not None
    assert (await alice.post("/console/user/session", name="bob", sid=sids[0])).status == 404
    shown = await alice.post("/console/user/session", name="alice", sid=sids[0])
    assert "The session has ended" in text_of(shown)
    assert re.findall(r'sid=([^"]*)"', shown.text) == sids[1:]


async def test_a_page_of_a_long_list_is_read_at_a_glance(alice: Operator) -> None:
    """However many of the keys are rows; each row is on one of the pages."""
    world = alice.world
    for number in range(400):
        name = f"user{number:03}"
        await world.issuer.store.users.save(User(username=name, subject=name), None)
    seen, cursor = list[str](), ""
    while True:
        shown = await alice.get("/console/users", **({"cursor": cursor} if cursor else {}))
        names = re.findall(r'class="main" href="[^"]*">(\w+)<', shown.text)
        assert len(names) < 3 * SHOWN
        seen += names
        following = re.search(r'rel="next" href="[^"]*cursor=([^"&]+)"', shown.text)
        if following is None:
            break
        cursor = unquote(unescape(following[1]))
    assert set(seen) >= {f"user{number:03}" for number in range(400)}


async def test_people_of_another_directory(world: World) -> None:
    async with operators_port(world, directory_url="https://people.example") as http:
        operator = Operator(world, http)
        await operator.sign_in()
        assert "in your own directory" in text_of(await operator.get("/console/users"))


async def test_names_of_people_are_only_text(alice: Operator) -> None:
    await alice.world.user(HOSTILE, claims={"name": HOSTILE, HOSTILE: [HOSTILE]})
    for path in (
        "/console/users",
        "/console/user",
        "/console/user/password",
        "/console/user/act",
        "/console/users/new",
    ):
        shown = await alice.get(path, name=HOSTILE, act="delete", q="script")
        assert shown.status == 200, path
        assert "<script>" not in shown.text
        assert "<img" not in shown.text
    shown = await alice.post("/console/user/act", name=HOSTILE, act="delete", typed=HOSTILE)
    assert f"The user {HOSTILE} is deleted" in unescape(shown.text)
    assert "<script>" not in shown.text


# grants


async def test_a_grant_and_its_end(alice: Operator) -> None:
    world = alice.world
    client = await world.client()
    await world.user()
    tokens = await world.tokens(client)
    grant_id = tokens["access_token"][6:28]
    listed = await alice.get("/console/grants", client="app")
    assert f"/console/grant?id={grant_id}" in listed.text
    shown = await alice.get("/console/grant", id=grant_id)
    told = text_of(shown)
    assert all(word in told for word in ("access token", "refresh token", "authorization code used", "read write"))
    assert not any(token in shown.text for token in (tokens["access_token"], tokens["refresh_token"]))
    shown = await alice.post("/console/grant/revoke", id=grant_id)
    assert (shown.heading, "The grant is revoked." in text_of(shown)) == ("alice", True)
    assert not await world.is_active(tokens["access_token"])
    assert (await alice.get("/console/grant", id=grant_id)).status == 404
    assert (await alice.get("/console/grant", id="*")).status == 404


async def test_a_grant_of_the_client_itself(alice: Operator) -> None:
    world = alice.world
    await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    assert "nobody: the client itself" in text_of(await alice.get("/console/grant", id=token[6:28]))
    shown = await alice.post("/console/grant/revoke", id=token[6:28])
    assert shown.heading == "app"
    assert not await world.is_active(token)
    with pytest.raises(NotFound):
        await grants.get_grant(world.issuer, token[6:28])


# keys


async def test_keys_are_shown_rotated_and_retired(world: World) -> None:
    settings = settings_for(
        world.redis.url, master_key="m" * 40, admin_tokens=TOKENS, admin_port=0, signing_algorithms=("ES256", "EdDSA")
    )
    async with open_issuer(settings) as issuer:
        server = TestServer(make_application(issuer, Health(issuer)))
        async with TestClient(server) as http:
            operator = Operator(World(issuer, http, world.redis), http)
            await operator.sign_in()
            shown = await operator.get("/console/keys")
            assert len(re.findall('class="signs active"', shown.text)) == 2
            assert issuer.keyring
            kid = issuer.keyring.known()[0].key.kid
            assert "PRIVATE" not in shown.text
            assert issuer.keyring.known()[0].key.sealed not in shown.text
            shown = await operator.post("/console/keys/act", act="rotate", what="ES256")
            assert "The next keys are made." in text_of(shown)
            assert len(re.findall('class="signs next"', shown.text)) == 1
            for typed in ("", "x"):
                assert (await operator.post("/console/keys/act", act="retire", what=kid, typed=typed)).status == 422
            shown = await operator.post("/console/keys/act", act="retire", what=kid, typed=kid)
            assert "The key is retired" in text_of(shown)
            assert kid not in shown.text
            for act, what in (("explode", ""), ("rotate", "RS1024"), ("retire", "x")):
                assert (await operator.get("/console/keys/act", act=act, what=what)).status == 404


async def test_keys_that_clients_encrypt_for(redis: Shape) -> None:
    """Rotated and retired here also where those that sign are in files, which are changed elsewhere."""
    async with decrypting(redis, [KeyManagement.ECDH_ES], admin_tokens=TOKENS, admin_port=0) as world:
        issuer = world.issuer
        async with TestClient(TestServer(make_application(issuer, Health(issuer)))) as http:
            operator = Operator(world, http)
            await operator.sign_in()
            shown = await operator.get("/console/keys")
            assert "ECDH-ES (encryption)" in text_of(shown)
            assert (shown.text.count("act=retire"), shown.text.count("act=rotate")) == (1, 1)
            shown = await operator.post("/console/keys/act", act="rotate", what="ECDH-ES")
            assert "The next keys are made." in text_of(shown)
            assert shown.text.count("act=retire") == 2


async def test_without_keys_the_page_says_what_to_do(world: World) -> None:
    settings = settings_for(world.redis.url, signing_key_files=(), admin_tokens=TOKENS, admin_port=0)
    async with (
        open_issuer(settings) as issuer,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as http,
    ):
        operator = Operator(world, http)
        await operator.sign_in()
        shown = await operator.get("/console/keys")
        assert "OpenID Connect is off" in text_of(shown)
        assert (await operator.post("/console/keys/act", act="rotate", what="")).status == 409


async def test_keys_of_files_are_only_shown(alice: Operator) -> None:
    shown = await alice.get("/console/keys")
    assert "From files" in text_of(shown)
    assert "Retire" not in text_of(shown)
    assert (await alice.post("/console/keys/act", act="rotate", what="")).status == 409


# trusted issuers


async def test_an_issuer_is_trusted_and_no_more(alice: Operator) -> None:
    given = {"issuer": "https://ci.example", "jwks_uri": "https://ci.example/jwks", "clients": "a b", "scopes": "read"}
    shown = await alice.post("/console/trusts/new", **given)
    assert "The issuer is trusted." in text_of(shown)
    assert "clients: there is no client a, b yet." in text_of(shown)
    (trust,) = (await trusts.list_trusts(alice.world.issuer)).rows
    assert (trust.clients, trust.scopes, trust.subjects) == (("a", "b"), ("read",), ())
    shown = await alice.post("/console/trusts/new", **given)
    assert (shown.status, "is trusted already" in text_of(shown)) == (422, True)
    assert (await alice.get("/console/trusts/remove", issuer="https://ci.example")).status == 200
    assert "trusted no more" in text_of(await alice.post("/console/trusts/remove", issuer="https://ci.example"))
    assert (await alice.post("/console/trusts/remove", issuer="https://ci.example")).status == 404


async def test_what_an_issuer_is_trusted_for(alice: Operator) -> None:
    given = {
        "issuer": "https://login.example",
        "jwks_uri": "https://login.example/jwks",
        "uses": "id-jag token-exchange",
    }
    shown = await alice.post("/console/trusts/new", **given, subject_claim="email", subject_prefix="acme:")
    assert "id-jag, token-exchange" in text_of(shown)
    (trust,) = (await trusts.list_trusts(alice.world.issuer)).rows
    assert (trust.uses, trust.subject_claim, trust.subject_prefix) == (("id-jag", "token-exchange"), "email", "acme:")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"issuer": ""}, "1 to 255"),
        ({"issuer": "a"}, "give the keys"),
        ({"issuer": "a", "jwks": "{"}, "is not JSON"),
        ({"issuer": "a", "jwks_uri": "http://far.example/jwks"}, "https"),
        ({"issuer": "a", "jwks_uri": "https://a.example", "algorithms": "none"}, "algorithms"),
        ({"issuer": "a", "jwks_uri": "https://a.example", "uses": "everything"}, "jwt-bearer"),
        ({"issuer": "a", "jwks_uri": "https://a.example", "subject_claim": "aud"}, "registered claim"),
    ],
)
async def test_faults_of_a_trusted_issuer(alice: Operator, given: dict[str, str], told: str) -> None:
    shown = await alice.post("/console/trusts/new", **given)
    assert (shown.status, told in text_of(shown)) == (422, True), text_of(shown)


# the log


async def test_the_log_is_filtered(alice: Operator, bob: Operator) -> None:
    await alice.post("/console/users/new", username="carol")
    await bob.post("/console/users/new", username="dave")
    await bob.post("/console/user/act", name="carol", act="disable")
    for query, found in (
        ({"actor": "alice"}, 1),
        ({"actor": "bob"}, 2),
        ({"action": "user"}, 3),
        ({"action": "user.disable"}, 1),
        ({"target": "user:carol"}, 2),
        ({"target": "dave"}, 1),
        ({"period": "3600"}, 3),
        ({"period": "nonsense"}, 3),
        ({"actor": HOSTILE}, 0),
    ):
        shown = await alice.get("/console/audit", **query)
        assert len(re.findall('<tr role="row"><td', shown.text)) == found, query
        assert "<script>" not in shown.text
    assert "secret" not in text_of(await alice.get("/console/audit"))
    assert "did you mean user.disable?" in text_of(await alice.get("/console/audit", action="user.disabel"))


# the inspector
