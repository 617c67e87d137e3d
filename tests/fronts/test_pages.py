"""Pages as such: every text in every language, an operator's own templates, texts and hook."""

import re
import string
import tomllib
from collections.abc import MutableMapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from service.fronts import pages
from service.fronts.pages import Pages, load_hook
from service.protocol.browsing import FormPost, Page, Redirect, Visit
from service.settings import Settings, SettingsError
from tests.person import Person
from tests.world import CALLBACK, World, settings_for

FOLDER = files("service.fronts.pages")
LANGUAGES = ("en", "de")
CLIENT = {
    **{"client_id": "app", "name": "App & Co", "logo_uri": "", "client_uri": "https://a.example"},
    **{"policy_uri": "", "tos_uri": ""},
}
LOGIN = {
    **{"ticket": "t", "csrf": "c", "client": CLIENT, "username": "", "again": False, "fault": "", "wait": 0},
    **{"sign_up_url": "", "signs_up": False},
}
STRANGER = {**CLIENT, "self_registered": True}
DETAILS = [
    {
        "title": '"><script>alert(1)</script>',
        "facts": [
            {"path": "locations", "label": "", "value": "App & Co"},
            {"path": '"><script>', "label": "", "value": '"><script>'},
            {"path": "urgent", "label": '"><script>', "value": True},
            {"path": "urgent", "label": "", "value": False},
        ],
    },
    {"title": "account", "facts": []},
]
CONSENT = {"ticket": "t", "csrf": "c", "client": CLIENT, "username": "alice", "scopes": [], "offline": False}
LEAVING = {"error": "x", "description": "y", "action": "https://a.example/cb"}
SAMPLES: list[Page | FormPost] = [
    Page("login", LOGIN),
    Page("login", LOGIN | {"client": None, "again": True, "fault": "blocked", "wait": 7}),
    Page("login", LOGIN | {"sign_up_url": "https://a.example/new", "signs_up": True, "fault": "missing"}),
    Page("select_account", {"ticket": "t", "csrf": "c", "client": CLIENT, "username": "alice"}),
    Page("consent", CONSENT),
    Page("consent", CONSENT | {"details": DETAILS, "scopes": []}),
    *(
        Page(
            "consent",
            CONSENT
            | {"client": {**client, "leads_to": {"kind": kind, "name": "x"}}, "resources": ["https://b.example"]},
        )
        for client in (CLIENT, STRANGER)
        for kind in ("web", "device", "app")
    ),
    *(
        Page("error", {"kind": kind, "error": "", "description": ""}, 400)
        for kind in ("request", "stale", "browser", "unavailable")
    ),
    Page("error", {"kind": "incident", "error": "server_error", "description": "x", "incident": "abc"}, 500),
    Page("logout", {"csrf": "c", "username": "alice", "client": CLIENT}),
    Page("logout", {"csrf": "c", "username": "alice", "client": None}),
    Page(
        "signed_out",
        {"frames": ["https://a.example/out"], "continue_to": "https://a.example", "client": None, "everywhere": False},
    ),
    *(
        Page(
            "leaving",
            {**LEAVING, "client": {**STRANGER, "leads_to": {"kind": "web", "name": "x"}}, "fields": fields},
            400,
        )
        for fields in (None, {"error": "x"})
    ),
    Page(
        "signed_out",
        {
            **{
                "frames": [],
                "continue_to": "https://a.example",
                "everywhere": False,
                "automatic": False,
                "misdirected": True,
            },
            "client": {**STRANGER, "leads_to": {"kind": "web", "name": "x"}},
        },
    ),
    Page("stayed", {"username": "alice"}),
    Page("applications", {"csrf": "c", "username": "a", "applications": [], "ended": "x", "everywhere": True}),
    FormPost("https://a.example/cb", {"code": '"><script>', "state": "ü"}),
]


def settings(**changes: Any) -> Settings:
    return settings_for("redis://127.0.0.1", **changes)


def texts(language: str) -> dict[str, str]:
    return tomllib.loads(FOLDER.joinpath("texts", f"{language}.toml").read_text("utf-8"))


def test_every_language_has_every_text_with_the_same_values() -> None:
    english = texts("en")
    for language in LANGUAGES:
        told = texts(language)
        assert set(told) == set(english)
        for key, text in told.items():
            fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            assert fields == {name for _, name, _, _ in string.Formatter().parse(english[key]) if name}, key


def test_every_text_is_used() -> None:
    templates = "".join(path.read_text() for path in FOLDER.joinpath("templates").iterdir())
    prefixes = ("lasting_", "scope_", "fault_", "error_", "detail_", "device_fault_", "device_over_")
    for key in texts("en"):
        assert f't("{key}"' in templates or key.startswith(prefixes), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: getattr(sample, "name", "form_post"))
def test_every_page_in_every_language(language: str, sample: Page | FormPost) -> None:
    shown = Pages(settings()).render(sample, [language])
    html = shown.content.decode()
    assert f'<html lang="{language}" dir="ltr">' in html
    assert html.count("<h1>") == 1
    assert "App & Co" not in html
    assert '"><script>' not in html
    for field in re.findall(r'<input(?! type="hidden")[^>]* id="(\w+)"', html):
        assert f'<label for="{field}">' in html
    assert not re.search(r" on\w+=|javascript:|style=", html), "nothing that the policy forbids"
    assert "http://" not in html, "nothing from elsewhere"


def test_a_name_of_the_other_direction_changes_no_order_around_it(tmp_path: Path) -> None:
    """It is isolated, in text and attributes; others stay as they are, so that what is copied is the name."""
    (tmp_path / "ar.toml").write_text('sign_in = "تسجيل الدخول"\nsign_in_to = "للمتابعة إلى {client}"\n')
    ours = Pages(settings(pages_folder=tmp_path))

    def shown(language: str, name: str) -> str:
        return ours.render(Page("login", LOGIN | {"client": CLIENT | {"name": name}}), [language]).content.decode()

    assert "to continue to \u2068מראה (2)\u2069</p>" in shown("en", "מראה (2)")
    assert "to continue to Mirror (2)</p>" in shown("en", "Mirror (2)")
    assert '<html lang="ar" dir="rtl">' in shown("ar", "Mirror (2)")
    assert "للمتابعة إلى \u2068Mirror (2)\u2069</p>" in shown("ar", "Mirror (2)")
    assert "للمتابعة إلى مرآة (2)</p>" in shown("ar", "مرآة (2)")
    assert "About Mirror</a>" in shown("ar", "Mirror"), "a sentence that the language lacks stays English"


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "2 seconds"), (90, "90 seconds"), (91, "2 minutes"), (900, "15 minutes")]
)
def test_the_time_to_wait_is_in_a_unit_that_people_think_in(seconds: int, words: str) -> None:
    blocked = Pages(settings()).render(Page("login", LOGIN | {"fault": "blocked", "wait": seconds}), ["en"])
    assert f"Please try again in {words}." in blocked.content.decode()


def test_fields_say_which_of_them_are_wrong() -> None:
    """WCAG 3.3.1; those of a form that is blocked are not."""
    for fault, count in (("wrong", 2), ("missing", 2), ("blocked", 0), ("", 0)):
        html = Pages(settings()).render(Page("login", LOGIN | {"fault": fault}), ["en"]).content.decode()
        assert html.count('aria-invalid="true"') == count, fault


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (["de"], "de"),
        (["de-AT", "en"], "de"),
        (["fr", "DE-ch"], "de"),
        (["fr"], "en"),
        ([], "en"),
        (["../../etc"], "en"),
    ],
)
def test_the_first_language_that_there_is(wanted: list[str], language: str) -> None:
    assert Pages(settings()).render(SAMPLES[0], wanted).headers["Content-Language"] == language


def test_an_operator_replaces_what_they_want(tmp_path: Path) -> None:
    """Templates, single texts, a language, the stylesheet; the rest stays ours (IRIS DrawStyle, GetLanguageList)."""
    (tmp_path / "stayed.html").write_text("<h1>{{ t('stayed') }}, {{ username }}</h1>")
    (tmp_path / "en.toml").write_text('stayed = "Welcome back"\n')
    (tmp_path / "fr.toml").write_text('sign_in = "Connexion"\n')
    (tmp_path / "style.css").write_text("h1 { color: red }")
    ours = Pages(settings(pages_folder=tmp_path))
    assert ours.render(Page("stayed", {"username": "<b>"}), ["en"]).content == b"<h1>Welcome back, &lt;b&gt;</h1>"
    french = ours.render(SAMPLES[0], ["fr"]).content.decode()
    assert "Connexion" in french
    assert "Password" in french
    assert ours.style()[0] == b"h1 { color: red }"
    assert ours.style()[1] != Pages(settings()).style()[1]
    assert pages.languages(settings(pages_folder=tmp_path)) == ["de", "en", "fr"]


def test_files_that_are_never_looked_at_are_named_at_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Misspelt, or in the place where the package has them; what templates of the folder include is known by that."""
    for name in (
        "templates/login.html",
        "texts/de.toml",
        "signin.html",
        "logo.png",
        "english.toml",
        "parts/unused.html",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "login.html").write_text("{% include 'parts/header.html' %}")
    (tmp_path / "parts" / "header.html").write_text("{% include 'parts/inner.html' %}")
    (tmp_path / "parts" / "inner.html").write_text("x")
    for name in ("layout.html", "parts.html", "leaving.html", "de.toml", "pt-BR.toml", "style.css", ".gitkeep"):
        (tmp_path / name).write_text("")
    Pages(settings(pages_folder=tmp_path))
    told = [record.__dict__["file"] for record in caplog.records if record.message == "pages_folder_unknown_file"]
    assert told == [
        "english.toml",
        "logo.png",
        "parts/unused.html",
        "signin.html",
        "templates/login.html",
        "texts/de.toml",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [("login.html", b"{% if %}"), ("login.html", b"\xe4"), ("de.toml", b"a = "), ("de.toml", b'a = "\xe4"')],
)
def test_what_an_operator_got_wrong_is_told_at_start(tmp_path: Path, name: str, text: bytes) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(SettingsError, match="pages_folder"):
        Pages(settings(pages_folder=tmp_path))


def test_a_folder_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="pages_folder: there is no folder"):
        Pages(settings(pages_folder=tmp_path / "pgaes"))


@pytest.mark.parametrize("name", ["nothing", "no.such.module:hook", "tests.fronts.test_pages:nothing", "os:sep"])
def test_a_hook_that_cannot_be_used_is_told_at_start(name: str) -> None:
    with pytest.raises(SettingsError, match="page_hook"):
        load_hook(name)


async def hook(page: Page, visit: Visit, headers: MutableMapping[str, str]) -> Page | Redirect | None:
    """Of the test below: adds a header, changes a value, or goes elsewhere."""
    headers["X-Hook"] = page.name
    if visit.parameters.get("display") == "popup":
        return Redirect("https://login.example/")
    if page.name == "login":
        return Page("login", {**page.values, "username": "from-the-hook"}, page.status)
    return None


async def test_a_hook_sees_every_page_before_its_headers_are_sent(world: World) -> None:
    """IT-28, IRIS page hooks: cookies and headers, other values, or another page altogether."""
    async with world.having(page_hook="tests.fronts.test_pages:hook") as other:
        await other.openid_client()
        shown = await Person(other).authorize()
        assert (shown.headers["X-Hook"], shown.form["username"]) == ("login", "from-the-hook")
        away = await Person(other).get(f"/login?ticket={shown.form['ticket']}&display=popup")
        assert (away.status, away.location) == (303, "https://login.example/")
        assert away.headers["X-Hook"] == "error"


async def test_an_issuer_with_a_path_has_its_pages_there(world: World) -> None:
    async with world.having(issuer="http://127.0.0.1:8080/tenant") as other:
        await other.openid_client()
        await other.user()
        person = Person(other)
        shown = await person.get(
            "/tenant/authorize?" + f"client_id=app&response_type=code&scope=openid&redirect_uri={CALLBACK}"
        )
        assert shown.action == "/tenant/login"
        shown = await person.agree(await person.log_in(shown))
        assert shown.answer["iss"] == "http://127.0.0.1:8080/tenant"
        style = re.search(r'href="(/tenant/style\.css\?v=\w+)"', (await person.get("/tenant/logout")).text)
        assert style is not None
        response = await other.http.get(style[1])
        assert (response.status, response.content_type) == (200, "text/css")
        assert "immutable" in response.headers["Cache-Control"]
        document = await other.http.get("/tenant/.well-known/openid-configuration")
        assert (await document.json())["jwks_uri"] == "http://127.0.0.1:8080/tenant/jwks"
