"""Long unbroken names at the console: nothing hangs over the edge, and no word of ours is cut."""

import pytest

from service.admin import users
from service.admin.resources import ResourceInput, create_resource
from service.admin.users import UserInput
from tests.browser.desk import Desk, furnish

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "W" * 200
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """() => {
  const cut = [];
  for (const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT); walker.nextNode();) {
    const node = walker.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest('.unseen, thead')) continue;
    for (const { 0: word, index } of node.data.matchAll(/(?<!\\S)[A-Za-z_]{5,30}(?![^\\s,.:;…])/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(one => Math.round(one.top))).size > 1) cut.push(word);
    }
  }
  return cut.filter(word => !/W{5}/.test(word));
}"""
"""The words that do not stand on one line."""
LABELS = """() => [...document.querySelectorAll('.scroll td[data-label]')].filter(cell => {
  const label = getComputedStyle(cell, '::before');
  if (label.content === 'none' || label.content === 'normal') return false;
  const ruler = document.createElement('span');
  Object.assign(ruler.style, { font: label.font, position: 'absolute', whiteSpace: 'nowrap' });
  ruler.textContent = cell.dataset.label;
  document.body.append(ruler);
  const isWider = ruler.offsetWidth > parseFloat(getComputedStyle(cell).gridTemplateColumns);
  ruler.remove();
  return isWider && !cell.dataset.label.includes(' ');
}).map(cell => cell.dataset.label)"""
"""The labels of table cells on a narrow screen that are wider than their column."""
HIDDEN_ACTS = """() => [...document.querySelectorAll('td.act a, td.act button')].filter(act =>
  act.getBoundingClientRect().right > act.closest('.scroll').getBoundingClientRect().right).map(act => act.ariaLabel)"""
"""The acts that are seen only once the table is scrolled."""
PATHS = (
    *("/clients", "/client?id=app", "/client/edit?id=app", "/grants?client=app", "/client/act?id=app&act=delete"),
    *("/client/rotate?id=app", "/users", f"/user?name={LONG}", f"/user/act?name={LONG}&act=delete"),
    *(f"/user/password?name={LONG}", f"/user/claims?name={LONG}", "/resources", f"/resources/edit?id={LONG}"),
    *(
        f"/resources/delete?id={LONG}",
        f"/users?q={LONG}",
        f"/clients?q={LONG}",
        "/trusts",
        "/audit",
        "/client?id=web-shop",
    ),
)


async def test_long_names_stay_within_the_page_and_words_whole(desk: Desk) -> None:
    await furnish(desk.world)
    await desk.world.client(name=LONG, description=LONG)
    await users.create_user(desk.world.issuer, UserInput(username=LONG, claims={"name": LONG, LONG: LONG}))
    await create_resource(desk.world.issuer, ResourceInput(resource=LONG, name=LONG))
    for width in (320, 360, 768, 1280):
        await desk.page.set_viewport_size({"width": width, "height": 800})
        for path in PATHS:
            await desk.open(path)
            assert await desk.page.evaluate(OVER) <= 0, (width, path)
            assert await desk.page.evaluate(CUT) == [], (width, path)
            assert await desk.page.evaluate(LABELS) == [], (width, path)
    for path in ("/clients", "/users", "/resources"):
        await desk.open(path)
        over = await desk.page.evaluate(
            "(table => table.scrollWidth - table.clientWidth)(document.querySelector('.scroll'))"
        )
        assert over <= 0, f"{path}: the other columns are pushed out by {over} px"


async def test_what_can_be_done_with_a_row_is_in_view(desk: Desk) -> None:
    """However wide the table is that it is at the end of."""
    await furnish(desk.world)
    for width in (641, 768, 1024, 1280, 1440):
        await desk.page.set_viewport_size({"width": width, "height": 800})
        for path in ("/trusts", "/resources", "/keys"):
            await desk.open(path)
            assert await desk.page.locator("td.act a").count()
            assert await desk.page.evaluate(HIDDEN_ACTS) == [], (width, path)
