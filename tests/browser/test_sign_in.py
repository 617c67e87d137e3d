"""People who sign in, agree, look at their applications and sign out, in a real Chromium."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from service.records.client import Registration
from tests.browser.conftest import Shoot
from tests.browser.keyboard import press, tab_to, type_into
from tests.browser.relying_party import RelyingParty, relying_party
from tests.person import usual_request
from tests.world import VERIFIER, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def app(site: World) -> AsyncIterator[RelyingParty]:
    """A client with a site of its own, and a person."""
    async with relying_party() as party:
        await site.openid_client(
            redirect_uris=(party.callback,),
            post_logout_redirect_uris=(f"{party.url}/signed-out",),
            name="Looking Glass",
            logo_uri=f"{party.url}/logo.svg",
            policy_uri="https://app.example/policy",
            tos_uri="https://app.example/terms",
        )
        await site.user(claims={"name": "Alice Liddell", "email": "alice@example.com", "email_verified": True})
        yield party


def request_of(site: World, app: RelyingParty, **request: str) -> str:
    """The URL that the client sends a browser to."""
    return f"{site.issuer.url}/authorize?{urlencode(usual_request(redirect_uri=app.callback, **request))}"


async def log_in(page: Page, password: str = "wonderland") -> None:
    await page.fill("#username", "alice")
    await page.fill("#password", password)
    await page.click("#login-submit")


async def sign_in(page: Page, site: World, app: RelyingParty, **request: str) -> dict[str, str]:
    """The whole way; what the client got."""
    await page.goto(request_of(site, app, **request))
    if await page.locator("#login-submit").count():
        await log_in(page)
    if await page.locator("#consent-allow").count():
        await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    return dict(app.received[-1]["query"] or app.received[-1]["form"])


async def test_a_person_signs_in_and_agrees(page: Page, site: World, app: RelyingParty, shoot: Shoot) -> None:
    """oidcc-server, oidcc-registration-logo-uri, -policy-uri, -tos-uri; IA-28, IA-30, IA-31."""
    await page.goto(request_of(site, app, scope="openid profile email offline_access read"))
    await expect(page.locator("h1")).to_have_text("Sign in")
    await expect(page.locator("#client-policy")).to_have_attribute("href", "https://app.example/policy")
    await expect(page.locator("#client-terms")).to_have_attribute("href", "https://app.example/terms")
    await expect(page.locator("img.logo")).to_have_attribute("src", f"{app.url}/logo.svg")
    await shoot(page, "login")
    await log_in(page, "wrong")
    await expect(page.get_by_role("alert")).to_have_text("The username or password is wrong.")
    await expect(page.locator("#username")).to_have_value("alice")
    await shoot(page, "login-wrong")
    await log_in(page)
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
    await expect(page.locator(".scopes li")).to_have_count(5)
    await shoot(page, "consent")
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    answer = app.received[-1]["query"]
    assert set(answer) == {"code", "state", "iss"}
    response = await site.redeem(answer["code"], redirect_uri=app.callback, code_verifier=VERIFIER)
    assert {"access_token", "id_token", "refresh_token"} <= set(await response.json())


async def test_what_was_allowed_is_remembered(page: Page, site: World, app: RelyingParty) -> None:
    """Neither password nor consent again; for a new scope and for prompt=consent they are asked."""
    await sign_in(page, site, app, scope="openid")
    await page.goto(request_of(site, app, scope="openid"))
    await expect(page.locator("h1")).to_have_text("Back at the app")
    await page.goto(request_of(site, app, scope="openid email"))
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
    await page.goto(request_of(site, app, scope="openid", prompt="consent"))
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")


async def test_a_person_says_no(page: Page, site: World, app: RelyingParty) -> None:
    await page.goto(request_of(site, app))
    await log_in(page)
    await page.click("#consent-deny")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert app.received[-1]["query"]["error"] == "access_denied"
    await page.goto(request_of(site, app, prompt="login"))
    await page.click("#login-cancel")
    assert app.received[-1]["query"]["error"] == "access_denied"


async def test_prompt_login_and_max_age_ask_for_the_password_again(page: Page, site: World, app: RelyingParty) -> None:
    """oidcc-prompt-login, oidcc-max-age-1, oidcc-max-age-10000."""
    await sign_in(page, site, app)
    await page.goto(request_of(site, app, prompt="login"))
    await expect(page.locator("h1")).to_have_text("Sign in")
    await expect(page.locator("#username")).to_have_value("alice")
    await sign_in(page, site, app, prompt="login")
    await page.goto(request_of(site, app, max_age="10000"))
    await expect(page.locator("h1")).to_have_text("Back at the app")
    await asyncio.sleep(2.1)
    await page.goto(request_of(site, app, max_age="1"))
    await expect(page.locator("h1")).to_have_text("Sign in")


async def test_an_account_is_chosen(page: Page, site: World, app: RelyingParty, shoot: Shoot) -> None:
    await sign_in(page, site, app)
    await page.goto(request_of(site, app, prompt="select_account"))
    await expect(page.locator("#account-continue")).to_have_text("Continue as alice")
    await shoot(page, "select-account")
    await page.click("#account-continue")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    await page.goto(request_of(site, app, prompt="select_account"))
    await page.click("#account-other")
    await expect(page.locator("h1")).to_have_text("Sign in")


@pytest.mark.parametrize("response_type", ["code", "id_token token", "code id_token token"])
async def test_form_post_comes_by_itself(page: Page, site: World, app: RelyingParty, response_type: str) -> None:
    """oidcc-formpost-*: everything in the body, the URL untouched."""
    await sign_in(page, site, app, response_type=response_type, response_mode="form_post")
    last = app.received[-1]
    assert (last["method"], last["query"]) == ("POST", {})
    assert {word if word != "token" else "access_token" for word in response_type.split()} <= set(last["form"])


async def test_form_post_without_scripts_has_a_button(browser: Browser, site: World, app: RelyingParty) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(request_of(site, app, response_mode="form_post"))
    await log_in(page)
    await page.click("#consent-allow")
    await page.click("#continue")
    await page.wait_for_url(app.callback)
    assert "code" in app.received[-1]["form"]
    await context.close()


async def test_a_form_post_request_from_the_client_s_site_finds_the_session(
    page: Page, site: World, app: RelyingParty
) -> None:
    """oidcc-ensure-post-request-succeeds; the cookies are SameSite=Lax, so the request is asked again by GET."""
    await sign_in(page, site, app)
    fields = "".join(
        f"<input name={name!r} value={value!r}>" for name, value in usual_request(redirect_uri=app.callback).items()
    )
    await page.goto(app.callback)
    await page.set_content(
        f"<form method=post action='{site.issuer.url}/authorize'>{fields}<button id=go>go</button></form>"
    )
    await page.click("#go")
    await expect(page.locator("h1")).to_have_text("Back at the app")


async def test_your_applications(page: Page, site: World, app: RelyingParty, shoot: Shoot) -> None:
    answer = await sign_in(page, site, app, scope="openid email offline_access read")
    tokens = await (await site.redeem(answer["code"], redirect_uri=app.callback, code_verifier=VERIFIER)).json()
    assert await site.is_active(tokens["access_token"])
    await page.goto(f"{site.issuer.url}/applications")
    await expect(page.locator("h2")).to_have_text("Looking Glass")
    await shoot(page, "applications")
    await page.click("#end-1")
    await expect(page.get_by_role("status")).to_have_text("Looking Glass has no access any more.")
    assert not await site.is_active(tokens["access_token"])
    await shoot(page, "applications-none")
    await page.goto(request_of(site, app, scope="openid email offline_access read"))
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")


async def test_signing_out_everywhere(
    browser: Browser, page: Page, site: World, app: RelyingParty, shoot: Shoot
) -> None:
    """Front-channel pages are loaded for the session of this browser (OpenID Connect Front-Channel Logout 3)."""
    client = await site.issuer.store.clients.read("app")
    assert client is not None
    await site.change(client, frontchannel_logout_uri=f"{app.url}/frontchannel")
    other = await (await browser.new_context()).new_page()
    for one in (page, other):
        await sign_in(one, site, app)
    await page.goto(f"{site.issuer.url}/applications")
    await expect(page.locator("#sign-out-everywhere")).to_be_hidden()
    await page.click("#ask-everywhere")
    await shoot(page, "applications-everywhere")
    async with page.expect_response(lambda response: "/frontchannel" in response.url):
        await page.click("#sign-out-everywhere")
    await expect(page.locator("h1")).to_contain_text("signed out")
    assert [set(one["query"]) for one in app.heard] == [{"iss", "sid"}]
    await other.goto(f"{site.issuer.url}/applications")
    await expect(other.locator("h1")).to_have_text("Sign in")


async def test_signing_out(page: Page, site: World, app: RelyingParty, shoot: Shoot) -> None:
    """oidcc-rp-initiated-logout, and without a hint: a question, and never a redirect."""
    answer = await sign_in(page, site, app)
    tokens = await (await site.redeem(answer["code"], redirect_uri=app.callback, code_verifier=VERIFIER)).json()
    await page.goto(f"{site.issuer.url}/logout?{urlencode({'post_logout_redirect_uri': f'{app.url}/signed-out'})}")
    await shoot(page, "logout")
    await page.click("#logout-cancel")
    await expect(page.locator("h1")).to_have_text("You are still signed in")
    back = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{app.url}/signed-out", "state": "bye"}
    await page.goto(f"{site.issuer.url}/logout?{urlencode(back)}")
    await page.wait_for_url(f"{app.url}/signed-out?state=bye")
    await page.goto(f"{site.issuer.url}/logout")
    await expect(page.locator("h1")).to_have_text("You are signed out")
    await shoot(page, "signed-out")


async def test_signing_out_without_a_hint_leads_back_after_the_question(
    page: Page, site: World, app: RelyingParty
) -> None:
    """The form is answered by the client's address: no policy of ours may stand in the way."""
    await sign_in(page, site, app)
    back = {"client_id": "app", "post_logout_redirect_uri": f"{app.url}/signed-out", "state": "bye"}
    await page.goto(f"{site.issuer.url}/logout?{urlencode(back)}")
    await page.click("#logout-confirm")
    await page.wait_for_url(f"{app.url}/signed-out?state=bye")


async def test_a_client_that_registered_itself(page: Page, site: World, app: RelyingParty, shoot: Shoot) -> None:
    """Every page says so; an error is a page first, with a way on."""
    client = await site.issuer.store.clients.read("app")
    assert client is not None
    await site.change(client, registration=Registration("x"), audiences=("https://api.example.com",))
    await page.goto(request_of(site, app, prompt="none"))
    await expect(page.locator("#leads-to")).to_have_text(app.url.removeprefix("http://"))
    await shoot(page, "leaving")
    await page.click("#continue")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert app.received[-1]["query"]["error"] == "login_required"
    await page.goto(request_of(site, app, prompt="none", response_mode="form_post"))
    await page.click("#continue")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert app.received[-1]["form"]["error"] == "login_required"
    await page.goto(request_of(site, app, scope="openid profile read"))
    await expect(page.locator("#self-registered")).to_contain_text("registered itself")
    await shoot(page, "login-self-registered")
    await log_in(page)
    await expect(page.locator(".resources li")).to_have_text("https://api.example.com")
    await shoot(page, "consent-self-registered")
    await page.click("#consent-allow")
    await page.goto(f"{site.issuer.url}/applications")
    await expect(page.locator(".applications")).to_contain_text("registered itself")
    await shoot(page, "applications-self-registered")


async def test_front_channel_logout_loads_every_client_s_page(page: Page, site: World, app: RelyingParty) -> None:
    """oidcc-frontchannel-rp-initiated-logout: an iframe with exactly iss and sid, then the redirect."""
    client = await site.issuer.store.clients.read("app")
    assert client is not None
    await site.change(client, frontchannel_logout_uri=f"{app.url}/frontchannel")
    answer = await sign_in(page, site, app)
    tokens = await (await site.redeem(answer["code"], redirect_uri=app.callback, code_verifier=VERIFIER)).json()
    back = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{app.url}/signed-out"}
    await page.goto(f"{site.issuer.url}/logout?{urlencode(back)}")
    await page.wait_for_url(f"{app.url}/signed-out")
    assert [set(one["query"]) for one in app.heard] == [{"iss", "sid"}]


async def test_errors_are_pages_until_the_client_is_known(
    page: Page, site: World, app: RelyingParty, shoot: Shoot
) -> None:
    """oidcc-ensure-registered-redirect-uri."""
    await page.goto(request_of(site, app, client_id="nobody"))
    await expect(page.locator("h1")).to_have_text("Request error")
    await shoot(page, "error")


async def test_the_pages_speak_german(page: Page, site: World, app: RelyingParty, shoot: Shoot) -> None:
    await page.goto(request_of(site, app, ui_locales="fr de-AT"))
    await expect(page.locator("h1")).to_have_text("Anmelden")
    assert await page.locator("html").get_attribute("lang") == "de"
    await log_in(page)
    await expect(page.locator("h1")).to_have_text("Looking Glass erlauben?")
    await shoot(page, "consent-de")


async def test_the_pages_work_by_keyboard_alone(page: Page, site: World, app: RelyingParty) -> None:
    """The first field has the focus; everything is reached by tab, and seen to be."""
    await page.goto(request_of(site, app))
    await type_into(page, "#username", "alice")
    await page.keyboard.press("Tab")
    await type_into(page, "#password", "wonderland")
    await press(page, "#password", "Enter")
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
    await page.wait_for_load_state()
    await tab_to(page, "#consent-allow")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Back at the app")
