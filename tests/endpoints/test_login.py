"""The login page: attempts, and every way to post a form that is not due."""

import asyncio
import json
import time
from typing import Any

import pytest

from tests.person import Person, Shown
from tests.world import World


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.user()
    return Person(world)


def stages_of(world: World) -> list[str]:
    """How far the questions have got of which something has happened (IA-29 to IA-32); of the others Redis knows nothing."""
    admin = world.redis.nodes[0].admin
    return sorted(json.loads(admin.get(key) or "{}").get("stage", "new") for key in admin.scan_iter("mm:{ticket:*"))


async def test_attempts_are_numbered(person: Person) -> None:
    """IA-29, IA-30, IA-31, IA-32, IA-34."""
    shown = await person.authorize()
    assert stages_of(person.world) == []
    for number in (2, 3):
        shown = await person.log_in(shown, password="wrong")
        assert stages_of(person.world) == [f"login:{number}"]
    shown = await person.log_in(shown)
    assert stages_of(person.world) == ["permission"]
    await person.agree(shown)
    assert stages_of(person.world) == [""]


async def test_a_login_hint_is_filled_in(person: Person) -> None:
    """oidcc-login-hint; it is a suggestion, not a choice."""
    shown = await person.authorize(login_hint="bob")
    assert shown.form["username"] == "bob"
    assert (await person.log_in(shown)).action.endswith("/consent")


async def test_too_many_attempts_end_the_request(person: Person) -> None:
    async with person.world.having(login_attempts=2, user_failures_allowed=50) as strict:
        person.world = strict
        shown = await person.authorize()
        for _ in range(2):
            shown = await person.log_in(shown, password="wrong")
        assert (await person.log_in(shown)).error == "access_denied"


async def test_what_failed_has_its_reason_in_the_log(person: Person, caplog: pytest.LogCaptureFixture) -> None:
    """These lines are not called ``refused``, and are found by the same reason (docs/reference/refusals.md)."""
    caplog.set_level("INFO")
    async with person.world.having(user_failures_allowed=1, failure_first_delay=30) as strict:
        person.world = strict
        shown = await person.authorize()
        for _ in range(3):
            shown = await person.log_in(shown, password="wrong")
    told = {line.message: line.reason_code for line in caplog.records if hasattr(line, "reason_code")}
    assert told == {"login_failed": "wrong_login_password", "user_blocked": "login_blocked"}


async def test_who_is_blocked_is_told_how_long(person: Person) -> None:
    async with person.world.having(user_failures_allowed=1, failure_first_delay=30) as strict:
        person.world = strict
        shown = await person.authorize()
        for _ in range(3):
            shown = await person.log_in(shown, password="wrong")
        assert "Please try again in " in shown.text


async def test_an_empty_form_costs_no_attempt(person: Person) -> None:
    shown = await person.authorize()
    shown = await person.submit(shown, username="alice", password="")
    assert "Please enter" in shown.text
    assert stages_of(person.world) == []


async def test_cancelling_tells_the_client(person: Person) -> None:
    shown = await person.authorize()
    assert (await person.submit(shown, cancel="1")).error == "access_denied"
    assert (await person.log_in(shown)).status == 400


async def test_the_session_is_a_new_one_at_each_login(person: Person) -> None:
    """Session fixation: whoever planted a cookie before holds nothing after."""
    await person.sign_in()
    before = person.cookies["mintmark_session"]
    await person.sign_in(prompt="login")
    after = person.cookies["mintmark_session"]
    assert before != after
    assert before[:28] == after[:28], "the same session to its clients (sid)"
    thief = Person(person.world, {"mintmark_session": before})
    assert (await thief.authorize(prompt="none")).error == "login_required"


async def test_a_planted_cookie_is_not_adopted(person: Person) -> None:
    planted = "mm_ss_" + "A" * 22 + "B" * 43
    person.cookies["mintmark_session"] = planted
    await person.sign_in()
    assert person.cookies["mintmark_session"] != planted
    assert not [key for key in person.world.key_names("{session:") if "A" * 22 in key]


async def test_cookies_over_https_are_of_one_host_and_hidden_from_scripts(person: Person) -> None:
    async with person.world.having(
        issuer="https://mint.example", trusted_proxies=("127.0.0.1",), signing_algorithms=("RS256",)
    ) as secure:
        response = await secure.http.get("/applications", headers={"X-Forwarded-Proto": "https"}, allow_redirects=False)
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("__Host-mintmark_browser=")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


# forms that are not due


async def _shown(person: Person) -> Shown:
    return await person.authorize()


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({"csrf": ""}, "This page is no longer valid"),
        ({"csrf": "x"}, "This page is no longer valid"),
        ({"csrf": "ü"}, "This page is no longer valid"),
        ({"ticket": ""}, "This page is no longer valid"),
        ({"ticket": "A" * 22}, "This page is no longer valid"),
        ({"ticket": "ü" * 22}, "This page is no longer valid"),
        ({"ticket": "x" * 10_000}, "This page is no longer valid"),
    ],
)
async def test_a_forged_form_changes_nothing(person: Person, changes: dict[str, str], heading: str) -> None:
    shown = await person.authorize()
    form = {**shown.form, "username": "alice", "password": "wonderland", **changes}
    refused = await person.post("/login", form)
    assert (refused.status, refused.heading, refused.location) == (400, heading, "")
    assert stages_of(person.world) == []
    assert "mintmark_session" not in person.cookies


async def test_another_browser_cannot_answer(person: Person) -> None:
    """A ticket is worth nothing without the cookie of the browser that it was made for; crossed forms neither."""
    mine = await person.authorize()
    other = Person(person.world)
    refused = await other.submit(mine, username="alice", password="wonderland")
    assert (refused.status, refused.heading) == (400, "Another browser, or no cookies")
    assert (await other.get(f"/login?ticket={mine.form['ticket']}")).status == 400
    theirs = await other.authorize()
    crossed = {**theirs.form, "csrf": mine.form["csrf"], "username": "alice", "password": "wonderland"}
    assert (await other.post("/login", crossed)).status == 400
    assert "code" in (await person.agree(await person.log_in(mine))).answer


async def test_a_form_of_an_earlier_attempt_is_stale(person: Person) -> None:
    first = await person.authorize()
    await person.log_in(first, password="wrong")
    assert (await person.log_in(first)).heading == "This page is no longer valid"


async def test_of_twenty_logins_at_once_one_is_tried(person: Person) -> None:
    """Raced: the attempt is counted before the password is looked at, whatever else the forms say."""
    for _ in range(20):
        person.cookies.clear()
        shown = await person.authorize()
        people = [Person(person.world, dict(person.cookies)) for _ in range(20)]
        forms = [{"username": "alice", "password": "wonderland", "n": str(number)} for number in range(20)]
        answers = await asyncio.gather(*(one.submit(shown, **form) for one, form in zip(people, forms, strict=True)))
        assert sum(answer.status != 400 for answer in answers) == 1


async def test_whoever_goes_back_is_led_to_where_they_are(person: Person) -> None:
    """No login form that could not be sent."""
    shown = await person.authorize()
    asked = await person.log_in(shown)
    back = await person.get("/login", ticket=shown.form["ticket"])
    assert (back.heading, back.action) == (asked.heading, "/consent")


async def test_consent_cannot_be_posted_before_login(person: Person) -> None:
    shown = await person.authorize()
    form = {"ticket": shown.form["ticket"], "csrf": shown.form["csrf"], "decision": "allow"}
    assert (await person.post("/consent", form)).heading == "This page is no longer valid"
    assert stages_of(person.world) == []


@pytest.mark.parametrize("stage", ["select_account", "permission", "new", ""])
async def test_login_cannot_be_posted_at_another_stage(person: Person, stage: str) -> None:
    shown = await person.log_in(await person.authorize(), password="wrong")
    admin = person.world.redis.nodes[0].admin
    (key,) = admin.scan_iter("mm:{ticket:*")
    record = admin.get(key)
    assert isinstance(record, bytes)
    admin.set(key, record.replace(b'"login:2"', f'"{stage}"'.encode()), keepttl=True)
    assert (await person.log_in(shown)).status == 400
    assert "mintmark_session" not in person.cookies


async def test_a_ticket_ends_by_itself(person: Person) -> None:
    shown = await person.authorize()
    later = time.time() + person.world.issuer.settings.ticket_lifetime + 1
    async with person.world.with_part(clock=lambda: later) as then:
        person.world = then
        assert (await person.log_in(shown)).heading == "This page is no longer valid"
    assert stages_of(person.world) == []


async def test_redis_holds_no_cookie(person: Person) -> None:
    """P5."""
    await person.sign_in()
    admin = person.world.redis.nodes[0].admin
    kept: list[Any] = []
    for key in admin.scan_iter("*"):
        kind = admin.type(key)
        kept += [key, admin.get(key) if kind == b"string" else b""]
    dump = b" ".join(part for part in kept if part)
    for cookie in person.cookies.values():
        assert cookie.encode() not in dump
        assert cookie.encode()[-43:] not in dump


# headers


@pytest.mark.parametrize("path", ["/login?ticket=x", "/authorize", "/logout", "/consent?ticket=x"])
async def test_no_page_can_be_framed_sniffed_or_cached(person: Person, path: str) -> None:
    """Clickjacking and its kin."""
    headers = (await person.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/authorize", "/login", "/consent", "/logout", "/applications"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(world: World, path: str, method: str) -> None:
    response = await world.http.request(method, path, allow_redirects=False)
    acts = path in ("/authorize", "/logout")  # so that HEAD would lose what comes of it
    assert (response.status, response.headers["Allow"]) == (405, "GET, POST" if acts else "GET, HEAD, POST")


async def test_names_and_hints_are_escaped(person: Person) -> None:
    """Cross-site scripting: what others say is text."""
    evil = "<script>alert(1)</script>\"'"
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, name=evil)
    shown = await person.authorize(login_hint=evil)
    assert "<script>alert" not in shown.text
    assert "&lt;script&gt;" in shown.text
    shown = await person.log_in(shown)
    assert "<script>alert" not in shown.text
