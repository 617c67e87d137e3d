"""Clients at the console: found, changed by two at once, given secrets, ended."""

import re
from html import unescape
from typing import Any

import pytest

from service.admin import clients
from service.protocol.names import SubjectType
from service.records.client import Registration
from tests.client_members import edited, form_of
from tests.console import Operator, field_of, text_of
from tests.person import Shown
from tests.world import SECRET, World

HOSTILE = """<script>alert(1)</script>'"><img src=x onerror=alert(1)>{{7*7}}"""


# finding


async def test_the_list_is_searched_and_paged(alice: Operator) -> None:
    for number in range(120):
        await alice.world.client(f"client-{number:03d}", name=f"Number {number}")
    await alice.world.client("other", alias="nickname")
    shown = await alice.get("/console/clients", q="NUMBER 7")
    assert set(re.findall(r"<code class=\"under\">([^<]*)", shown.text)) == {
        "client-007",
        *(f"client-07{n}" for n in range(10)),
    }
    assert "other" in (await alice.get("/console/clients", q="nickname")).text
    assert "No client matches" in (await alice.get("/console/clients", q="nobody")).text
    seen: set[str] = set()
    query = {"cursor": ""}
    for _ in range(50):
        shown = await alice.get("/console/clients", **{name: text for name, text in query.items() if text})
        seen |= set(re.findall(r"<code class=\"under\">([^<]*)", shown.text))
        following = re.search(r'id="next"[^>]*cursor=([^"]*)"', shown.text)
        if not following:
            break
        query["cursor"] = following[1].replace("%3A", ":")
    assert len(seen) >= 120


async def test_those_that_registered_themselves_are_a_list(alice: Operator) -> None:
    await alice.world.client("ours")
    assert "No client has registered itself" in (await alice.get("/console/clients", registered="1")).text
    await alice.world.client("theirs", registration=Registration("x"))
    page = text_of(await alice.get("/console/clients", registered="1"))
    assert "theirs" in page
    assert "ours" not in page
    assert "ours" not in text_of(await alice.get("/console/clients", q="ours", registered="1")).replace("“ours”", "")
    assert "ours" in text_of(await alice.get("/console/clients"))


async def test_among_many_tokens_the_search_says_that_there_is_more(alice: Operator) -> None:
    """Bounded work a page: what was not looked at yet is a click away."""
    steps = alice.world.redis.primaries()[0].admin.pipeline()
    for number in range(60_000):
        steps.set(f"other:{number}", "x")
    steps.execute()
    await alice.world.client("needle", name="Needle in it")
    pages, path = 0, "/console/clients"
    found = False
    while path:
        shown = await alice.get(path)
        found = found or "Needle in it" in shown.text
        following = re.search(r'id="next"[^>]*href="([^"]*)"', shown.text)
        pages, path = pages + 1, unescape(following[1]) if following else ""
    assert found
    assert pages >= 2


async def test_a_bad_cursor_is_refused(alice: Operator) -> None:
    for path in ("/console/clients", "/console/users", "/console/audit", "/console/trusts"):
        assert (await alice.get(path, cursor="nonsense")).status == 409


# changing


async def test_what_is_not_touched_stays(alice: Operator) -> None:
    """Saving the form as it came changes nothing, whatever the client has."""
    world = alice.world
    await world.client("full", grant_types=("authorization_code", "refresh_token", "password"), refresh_limit=0)
    await clients.update_client(
        world.issuer,
        "full",
        {"jwks_uri": "https://a.example/jwks", "default_acr_values": ("1",), "properties": [{"name": "a", "value": 1}]},
    )
    before = await clients.get_client(world.issuer, "full")
    assert (await edited(alice, "full")).heading == "full"
    assert await clients.get_client(world.issuer, "full") == before


async def test_members_are_changed(alice: Operator) -> None:
    world = alice.world
    await world.client("web")
    shown = await edited(
        alice,
        "web",
        name="Shop",
        scopes=" read  write new ",
        access_token_lifetime="90",
        alias="shop",
        redirect_uris="https://a.example\r\n\r\n https://b.example ",
        refresh_rotation="never",
    )
    assert "Saved." in text_of(shown)
    client = await clients.get_client(world.issuer, "shop")
    assert (client.name, client.scopes, client.access_token_lifetime) == ("Shop", ("read", "write", "new"), 90)
    assert client.redirect_uris == ("https://a.example", "https://b.example")
    assert await edited(alice, "web", name="", alias="", access_token_lifetime="")
    client = await clients.get_client(world.issuer, "web")
    assert (client.name, client.alias, client.access_token_lifetime) == ("", None, None)


async def test_a_change_that_ends_what_it_was_issued_says_so(alice: Operator) -> None:
    await alice.world.client("web", subject_type=SubjectType.PAIRWISE)
    shown = text_of(await edited(alice, "web", subject_type="public"))
    assert "Saved. Everything that was issued to the client has ended" in shown
    assert "has ended" not in text_of(await edited(alice, "web", name="Web"))


async def test_faults_of_a_change(alice: Operator) -> None:
    await alice.world.client("web")
    shown = await edited(alice, "web", redirect_uris="", jwks="{")
    assert (shown.status, "is not JSON" in shown.text) == (422, True)
    shown = await edited(alice, "web", redirect_uris="")
    assert "needs at least one redirect URI" in text_of(shown)
    assert (await clients.get_client(alice.world.issuer, "web")).redirect_uris


async def test_two_operators_edit_the_same_client(alice: Operator, bob: Operator) -> None:
    """The second is told, nothing is overwritten silently, and what they typed is not lost."""
    world = alice.world
    await world.client("web")
    form = form_of(await alice.get("/console/client/edit", id="web"))
    await edited(bob, "web", description="bob was here")
    shown = await alice.send("/console/client/edit", **(form | {"name": "alice was here"}))
    assert (shown.status, shown.heading) == (409, "Edit client")
    assert "Another operator changed this client while you did." in text_of(shown)
    assert "Different from what is saved now: Name, Description." in text_of(shown)
    assert field_of(shown, "name") == "alice was here"
    client = await clients.get_client(world.issuer, "web")
    assert (client.name, client.description) == ("", "bob was here")
    again = form_of(shown) | {"description": "bob was here"}
    assert (await alice.send("/console/client/edit", **again)).heading == "alice was here"
    client = await clients.get_client(world.issuer, "web")
    assert (client.name, client.description) == ("alice was here", "bob was here")


@pytest.mark.parametrize("version", ["", "*", '"x"', '"x", *'])
async def test_a_version_that_nobody_was_shown_saves_nothing(alice: Operator, version: str) -> None:
    await alice.world.client("web")
    shown = await edited(alice, "web", name="x", version=version)
    assert shown.status == 409
    assert (await clients.get_client(alice.world.issuer, "web")).name == ""


# secrets


async def test_rotating_with_overlap(alice: Operator) -> None:
    world = alice.world
    await world.client("web")
    shown = await alice.post("/console/client/rotate", id="web", keep="old")
    new = re.search(r'id="secret">([^<]*)<', shown.text)
    assert new
    for secret in (SECRET, new[1]):
        assert (await world.post("/token", {"grant_type": "client_credentials"}, "web", secret)).status == 200
    shown = await alice.post("/console/client/act", id="web", act="drop-old-secret")
    assert "The old secret has ended." in text_of(shown)
    assert (await world.post("/token", {"grant_type": "client_credentials"}, "web", SECRET)).status == 401
    shown = await alice.post("/console/client/rotate", id="web", keep="none")
    assert (await world.post("/token", {"grant_type": "client_credentials"}, "web", new[1])).status == 401


async def test_a_public_client_has_no_secret_to_rotate(alice: Operator) -> None:
    await alice.world.public_client()
    assert (await alice.get("/console/client/rotate", id="phone")).status == 409
    assert (await alice.post("/console/client/rotate", id="phone")).status == 409


# ending


async def test_disabling_and_enabling(alice: Operator) -> None:
    world = alice.world
    tokens = await world.tokens(await world.client())
    for act, told in (("disable", "The client is disabled"), ("enable", "The client is enabled")):
        assert (await alice.get("/console/client/act", id="app", act=act)).status == 200
        assert told in text_of(await alice.post("/console/client/act", id="app", act=act))
        assert (await clients.get_client(world.issuer, "app")).enabled == (act == "enable")
    assert await world.is_active(tokens["access_token"])
    shown = await alice.post("/console/client/act", id="app", act="revoke")
    assert "Everything that was issued to the client has ended." in text_of(shown)
    assert not await world.is_active(tokens["access_token"])


async def test_approving_one_that_registered_itself(alice: Operator, bob: Operator) -> None:
    """What somebody has seen is approved, not what it has become meanwhile."""
    client = await alice.world.client("theirs", name="App", registration=Registration("x"))
    asked = (await alice.get("/console/client/act", id="theirs", act="approve")).form
    await alice.world.change(client, name="Your Bank")
    late = await alice.send("/console/client/act", **asked)
    assert (late.status, "It was changed meanwhile" in text_of(late)) == (409, True)
    assert (await alice.post("/console/client/act", id="theirs", act="approve")).status == 409
    asked = (await bob.get("/console/client/act", id="theirs", act="approve")).form
    done = await bob.send("/console/client/act", **asked)
    assert "users are no longer warned of it" in text_of(done)
    assert "registered itself, approved" in text_of(done)
    assert 'id="approve"' not in done.text
    shown = await bob.post("/console/client/act", id="theirs", act="withdraw-approval")
    assert "Users are warned again" in text_of(shown)
    assert 'id="approve"' in shown.text
    await alice.world.client("ours")
    assert "pprove" not in (await alice.get("/console/client", id="ours")).text


async def test_deleting_wants_the_name(alice: Operator) -> None:
    world = alice.world
    await world.client("web")
    for typed in ("", "Web", "other"):
        shown = await alice.post("/console/client/act", id="web", act="delete", typed=typed)
        assert (shown.status, "Type web to confirm." in text_of(shown)) == (422, True)
    shown = await alice.post("/console/client/act", id="web", act="delete", typed="web")
    assert "The client web is deleted" in text_of(shown)
    assert await world.issuer.store.clients.read("web") is None
    assert (await alice.get("/console/client", id="web")).status == 404


async def test_an_act_that_there_is_not(alice: Operator) -> None:
    await alice.world.client("web")
    assert (await alice.get("/console/client/act", id="web", act="explode")).status == 404
    assert (await alice.post("/console/client/act", id="web", act="explode")).status == 404


async def test_looking_changes_nothing(alice: Operator) -> None:
    """A link that somebody is sent does nothing: acts are forms."""
    await alice.world.client("web")
    for act in ("disable", "revoke", "delete", "drop-old-secret"):
        await alice.get("/console/client/act", id="web", act=act, typed="web")
    assert (await clients.get_client(alice.world.issuer, "web")).enabled


# hostile input


async def test_names_are_only_text(alice: Operator) -> None:
    """What others put into names, scopes and URLs is shown, never run."""
    world = alice.world
    client = await world.client(HOSTILE.replace(" ", ""), name=HOSTILE, description=HOSTILE, scopes=(HOSTILE,))
    for path in ("/console/clients", "/console", "/console/client", "/console/client/edit", "/console/grants"):
        shown = await alice.get(path, id=client.client_id, client=client.client_id, q="script")
        assert shown.status == 200
        _nothing_runs(shown)
    for act in ("disable", "delete"):
        _nothing_runs(await alice.get("/console/client/act", id=client.client_id, act=act))
    _nothing_runs(await alice.get("/console/clients", q=HOSTILE))
    _nothing_runs(await alice.get("/console/client", id=HOSTILE))


def _nothing_runs(shown: Shown) -> None:
    assert "<script>" not in shown.text
    assert "<img" not in shown.text
    assert "49" not in re.sub(
        r"[0-9a-f]{16}", "", re.sub(r'd="[^"]*"|\d\d:\d\d:\d\d|[A-Za-z0-9_-]{43}', "", shown.text)
    ) or ("{{7*7}}" in unescape(shown.text))


async def test_links_of_a_client_cannot_be_scripts(alice: Operator, world: World) -> None:
    """A client that registered itself once with a javascript: URL, or under rules that were laxer."""
    await world.client("web", logo_uri="javascript:alert(1)", client_uri="javascript:alert(1)")
    shown = await alice.get("/console/client", id="web")
    assert not re.search(r'(href|src|action)="javascript:', shown.text)


async def test_the_audit_log_knows_who_did_it(alice: Operator, bob: Operator) -> None:
    await alice.world.client("web")
    await edited(alice, "web", name="Shop")
    await bob.post("/console/client/act", id="web", act="disable")
    shown = await alice.get("/console/audit")
    rows: list[Any] = re.findall(r"<tr role=\"row\"><td.*?</tr>", shown.text, re.DOTALL)
    told = [re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row)) for row in rows]
    assert "bob" in told[0]
    assert "client.disable" in told[0]
    assert "client:web" in told[0]
    assert "console" in told[0]
    assert "127.0.0.1" in told[0]
    assert all(word in told[1] for word in ("alice", "client.update", "name"))


async def test_a_name_hides_nothing_from_operators(alice: Operator, world: World) -> None:
    """What people would not see is spelled out, in the list and on the pages of the client."""
    await world.client("turned", name="App\u202egnp.exe\u200b", registration=Registration("x"))
    for page in (
        await alice.get("/console/clients"),
        await alice.get("/console/client", id="turned"),
        await alice.get("/console/grants", client="turned"),
    ):
        assert "App\\u202egnp.exe\\u200b" in page.text
        assert "App\u202e" not in page.text
    assert "registered itself" in (await alice.get("/console/clients")).text
