"""What the console says it has done."""

from tests.console import Operator, text_of


async def test_a_message_is_shown_once_and_comes_from_no_link(alice: Operator) -> None:
    await alice.world.user()
    disabled = await alice.post("/console/user/act", name="alice", act="disable")
    assert "The user is disabled; 0 grants and 0 sessions ended." in text_of(disabled)
    assert "The user is disabled;" not in text_of(await alice.get("/console/user", name="alice"))
    for path, done in (("users", "deleted"), ("clients", "deleted"), ("keys", "rotated"), ("trusts", "added")):
        shown = await alice.get(f"/console/{path}", done=done, about="the administrator", grants_ended="99")
        assert (shown.status, 'class="done"' in shown.text, "administrator" in shown.text) == (200, False, False)
    for cookie in ("x", "bnVsbA", "eyJkb25lIjo3fQ", "ü"):
        alice.cookies["mintmark_outcome"] = cookie
        assert 'class="done"' not in (await alice.get("/console/users")).text
        assert "mintmark_outcome" not in alice.cookies
