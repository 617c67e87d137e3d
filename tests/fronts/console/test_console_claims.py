"""Claims of a person at the console: seen, edited a line each, and by two at once."""

from typing import Any

from service.admin import audit, users
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


async def test_claims_that_nobody_touched_stay(alice: Operator) -> None:
    """Names and texts that look like the writing of the form, that end lines elsewhere, and that cannot be seen."""
    issuer = alice.world.issuer
    texts = ("v", "5", "b=c", "x\u2028y", "x\x85y", "x\u202ey", '"', " ", "", "a\r\nb")
    names = ("a=b", "q:", "q::", "t ", " t", '"', '"n"', "n\\", "u\u202e", "a b", "é", "x\u2028", "#")
    claims: dict[str, Any] = dict(zip(names, (*texts, *texts), strict=False))
    claims |= {text.encode().hex() + "-": text for text in texts} | {"one": 1, "yes": True, "half": 0.5}
    await users.create_user(issuer, UserInput(username="al", claims=claims))
    form = form_of(await alice.get("/console/user/claims", name="al"))
    assert not set(form["claims"]) & set("\u2028\x85\u202e")
    sent = form["claims"].replace("\n", "\r\n")
    saved = await alice.send("/console/user/claims", **form | {"claims": f"{sent}\r\nlevel:=7"})
    assert "The claims are saved." in text_of(saved)
    assert (await users.get_user(issuer, "al")).claims == claims | {"level": 7}
    (entry, *_) = (await audit.list_entries(issuer)).rows
    assert entry.entry.changed == ("level",)


async def test_what_cannot_be_saved_is_shown_again(alice: Operator) -> None:
    issuer = alice.world.issuer
    await users.create_user(issuer, UserInput(username="al", claims={"name": "Alice"}), None)
    form = form_of(await alice.get("/console/user/claims", name="al"))
    for text, fault in (
        ("name", "write name=text"),
        ("level:=x", "is not JSON"),
        ('"level=x', "is no JSON string"),
        ('"a"b=x', "is no JSON string"),
        ('a=1\n"a"=2', "is there twice"),
        ("a=1\na=2", "is there twice"),
        ("sub=somebody", "the service itself says that"),
    ):
        shown = await alice.send("/console/user/claims", **form | {"claims": text})
        assert (shown.status, fault in text_of(shown)) == (422, True), text_of(shown)
        assert 'href="#claims"' in shown.text
        assert form_of(shown)["claims"].split() == text.split()
    await users.update_user(issuer, "al", {"name": "Alicia"})
    shown = await alice.send("/console/user/claims", **form | {"claims": "name=Al"})
    assert (shown.status, "name=Alicia" in text_of(shown)) == (409, True)
    assert (await users.get_user(issuer, "al")).claims == {"name": "Alicia"}
