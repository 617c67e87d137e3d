"""Keys are pressed once the focus is where the test says: a busy machine moves it a moment after the page is there."""

from playwright.async_api import Page, expect


async def type_into(page: Page, selector: str, text: str) -> None:
    """Type into the field that has the focus by itself, and is seen to have it where there are no shadows, too."""
    await expect(page.locator(selector)).to_be_focused()
    await expect(page.locator(selector)).to_have_css("outline-style", "solid")
    await page.keyboard.type(text)


async def tab_to(page: Page, selector: str) -> None:
    """Go on by one: what comes next is this, and is seen to have the focus (WCAG 2.4.7)."""
    await page.keyboard.press("Tab")
    await expect(page.locator(selector)).to_be_focused()
    await expect(page.locator(selector)).to_have_css("outline-style", "solid")


async def tab_until(page: Page, selector: str, steps: int) -> None:
    """Go on until this has the focus, by so many steps at most; each is seen to have it."""
    seen = None
    for _ in range(steps):
        await page.keyboard.press("Tab")
        now = page.locator(":focus")
        await expect(now).to_have_css("outline-style", "solid")
        here = await now.element_handle()
        assert here is not None
        assert seen is None or not await here.evaluate("(here, seen) => here === seen", seen), "the focus does not move"
        if await here.evaluate("(here, selector) => here.matches(selector)", selector):
            return
        seen = here
    raise AssertionError(f"{selector} is not among the next {steps} that have the focus")


async def press(page: Page, selector: str, key: str) -> None:
    """Press a key on what has the focus."""
    await expect(page.locator(selector)).to_be_focused()
    await page.keyboard.press(key)
