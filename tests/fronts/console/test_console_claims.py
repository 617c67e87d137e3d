"""Claims of a person at the console: seen, edited a line each, and by two at once."""

from service.admin import users
from service.admin.users import UserInput
from tests.client_members import form_of
from tests.console import Operator, text_of

CLAIMS = {"name": "Alice Liddell", "email_verified": True, "note": " two  blanks ", "roles": ["queen"]}


async def test_claims_are_edited_by_lines(alice: Operator) -> None:
    issuer = alice.world.issuer
    await users.create_user(issuer, UserInput(username="al", claims=dict(CLAIMS)), None)
    form = form_of(await alice.get("/console/user/claims", name="al"))
    assert form["claims"].split("\n") == [
        *("name=Alice Liddell", "email_verified:=true", 'note:=" two  blanks "', 'roles:=["queen"]')
    ]
    saved = await alice.send("/console/user/claims", **form)
    assert (await users.get_user(issuer, "al")).claims == CLAIMS, "saved as it was shown, nothing changes"
    form = form_of(await alice.get("/console/user/claims", name="al"))
    saved = await alice.send(
        "/console/user/claims", **form | {"claims": "name=Alice\r\ndepartment = sales\r\nlevel:=7"}
    )
    assert "The claims are saved." in text_of(saved)
    assert (await users.get_user(issuer, "al")).claims == {"name": "Alice", "department": "sales", "level": 7}


async def test_what_cannot_be_saved_is_shown_again(alice: Operator) -> None:
    issuer = alice.world.issuer
    await users.create_user(issuer, UserInput(username="al", claims={"name": "Alice"}), None)
    form = form_of(await alice.get("/console/user/claims", name="al"))
    for text, fault in (
        ("name", "write name=text"),
        ("level:=x", "is not JSON"),
        ("a=1\na=2", "is there twice"),
        ("sub=somebody", "the service itself says that"),
    ):
        shown = await alice.send("/console/user/claims", **form | {"claims": text})
        assert (shown.status, fault in text_of(shown)) == (422, True), text_of(shown)
        assert form_of(shown)["claims"].split() == text.split()
    await users.update_user(issuer, "al", {"name": "Alicia"})
    shown = await alice.send("/console/user/claims", **form | {"claims": "name=Al"})
    assert (shown.status, "name=Alicia" in text_of(shown)) == (409, True)
    assert (await users.get_user(issuer, "al")).claims == {"name": "Alicia"}
