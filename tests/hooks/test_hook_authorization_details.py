"""The event authorization_details: a hook allows what a client asks for, and says what it means."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from authlete.dto import AuthzDetails

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.protocol.names import GrantTypeName
from tests.assertions import JWKS, Signer
from tests.deciding import backend
from tests.fronts.decision_api.authorizing import ask, issue, sent
from tests.hooks.receiver import Receiver, hooked, saying
from tests.person import Person, usual_request
from tests.pushing import come, pushed
from tests.redis_shapes import Shape
from tests.world import VERIFIER, World, error_of

EVENT = "authorization_details"
PAYMENT = {"type": "payment", "amount": "5.00"}
TYPES = {"payment": {"hook": "bank", "title": "Pay {amount}"}, "account": {}}


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    hooks = {"bank": {"url": receiver.url, "events": [EVENT]}}
    async with hooked(redis, hooks, authorization_details_types=TYPES) as made:
        await made.user()
        await made.openid_client(authorization_details_types=tuple(TYPES))
        yield made


def said(*details: object) -> dict[str, str]:
    return {EVENT: json.dumps(details)}


async def test_a_hook_says_what_details_mean(world: World, receiver: Receiver) -> None:
    """It is asked before the user reads it, and when they have allowed it; only about details of its types."""
    receiver.answers[EVENT] = {"allow": True, "descriptions": ["Pay five euros \u202efrom your account"]}
    person = Person(world)
    shown = await person.log_in(await person.authorize(**said({"type": "account"}, PAYMENT)))
    assert "<strong>Pay five euros \\u202efrom your account</strong>" in shown.text
    assert "<dt>Amount</dt><dd>5.00</dd>" in shown.text, "whatever it says, the values are there"
    assert "<strong>account</strong>" in shown.text
    about = {"client_id": "app", "subject": "alice", "authorization_details": [PAYMENT]}
    assert receiver.of(EVENT) == [about]
    code = (await person.agree(shown)).answer["code"]
    assert receiver.of(EVENT) == [about, about]
    assert (await (await world.redeem(code, code_verifier=VERIFIER)).json())[EVENT] == [{"type": "account"}, PAYMENT]


async def test_hooks_that_add_claims_are_told_of_details(redis: Shape, receiver: Receiver) -> None:
    hooks = {"crm": {"url": receiver.url, "events": ["claims"]}}
    async with hooked(redis, hooks, authorization_details_types={"account": {}}) as other:
        await other.client(authorization_details_types=("account",))
        account = [{"type": "account", "actions": ["read"]}]
        assert (await other.token(grant_type="client_credentials", **said(*account))).status == 200
        assert (await other.token(grant_type="client_credentials")).status == 200
        first, second = receiver.of("claims")
        assert (first[EVENT], EVENT in second) == (account, False)


async def test_without_words_of_its_own_those_of_the_settings_are_shown(world: World, receiver: Receiver) -> None:
    receiver.answers[EVENT] = {"allow": True}
    person = Person(world)
    assert "<strong>Pay 5.00</strong>" in (await person.log_in(await person.authorize(**said(PAYMENT)))).text


async def test_what_a_hook_refuses_nobody_gets(world: World, receiver: Receiver) -> None:
    receiver.answers[EVENT] = {"allow": False, "message": "Too much."}
    answer = (await Person(world).sign_in(**said(PAYMENT))).answer
    assert (answer["error"], answer["error_description"]) == ("invalid_authorization_details", "Too much.")
    refused = await world.token(grant_type="client_credentials", **said(PAYMENT))
    assert await error_of(refused) == (400, "invalid_authorization_details")
    assert "code" in (await Person(world).sign_in(**said({"type": "account"}))).answer, "it is not asked about others"


async def test_what_an_id_jag_names_is_judged(world: World, receiver: Receiver) -> None:
    """By the user here whom it is about, once its issuer is known to have signed it."""
    trust = {"issuer": "https://login.example", "jwks": JWKS, "uses": ["id-jag"], "subject_prefix": "acme:"}
    await trusts.add_trust(world.issuer, TrustInput.read(trust))
    grant_type = GrantTypeName.JWT_BEARER.value
    await world.client("bot", grant_types=(grant_type,), authorization_details_types=tuple(TYPES))

    async def redeemed(**claims: object) -> ClientResponse:
        named = {"iss": trust["issuer"], "sub": "u-1", "client_id": "bot", EVENT: [{"type": "account"}, PAYMENT]}
        assertion = Signer().sign({"typ": "oauth-id-jag+jwt"}, **(named | claims))
        return await world.token("bot", grant_type=grant_type, assertion=assertion)

    receiver.answers[EVENT] = {"allow": True}
    assert (await (await redeemed()).json())[EVENT] == [{"type": "account"}, PAYMENT]
    assert receiver.of(EVENT) == [{"client_id": "bot", "subject": "acme:u-1", EVENT: [PAYMENT]}]
    receiver.answers[EVENT] = {"allow": False}
    assert await error_of(await redeemed()) == (400, "invalid_authorization_details")
    asked = len(receiver.heard)
    assert await error_of(await redeemed(iss="https://other.example")) == (400, "invalid_grant")
    assert len(receiver.heard) == asked


async def test_a_stranger_cannot_call_a_hook(world: World, receiver: Receiver) -> None:
    """Nobody has proved who they are: nothing is called that could fail, and so close the hook to those who have."""
    receiver.turn = saying(500)
    await world.openid_client("public", auth_method="none", secrets=(), authorization_details_types=tuple(TYPES))
    for _ in range(world.issuer.settings.hooks["bank"].failures_allowed + 1):
        assert (await Person(world).authorize(**said(PAYMENT))).heading == "Sign in"
        assert (await Person(world).authorize(prompt="none", **said(PAYMENT))).error == "login_required"
        form = usual_request("public", **said(PAYMENT))
        assert (await world.http.post("/par", data=form)).status == 201
    assert receiver.heard == []
    receiver.turn, receiver.answers[EVENT] = None, {"allow": True}
    assert (await world.token(grant_type="client_credentials", **said(PAYMENT))).status == 200


async def test_a_client_that_proved_itself_hears_when_it_pushes(world: World, receiver: Receiver) -> None:
    receiver.answers[EVENT] = {"allow": False, "message": "Too much."}
    refused = await world.post("/par", usual_request("app", **said(PAYMENT)), "app")
    assert await error_of(refused) == (400, "invalid_authorization_details")
    receiver.answers[EVENT] = {"allow": True}
    person, uri = Person(world), await pushed(world, **said(PAYMENT))
    assert "code" in (await person.agree(await person.log_in(await come(person, uri)))).answer
    assert [one["subject"] for one in receiver.of(EVENT)] == ["", "", "alice", "alice"]


async def test_who_allows_it_is_judged_when_they_do(world: World, receiver: Receiver) -> None:
    """An answer may come long after the page, or from who never opened it."""
    receiver.answers[EVENT] = {"allow": True}
    person = Person(world)
    shown = await person.log_in(await person.authorize(**said(PAYMENT)))
    receiver.answers[EVENT] = {"allow": False, "message": "Not any more."}
    answer = (await person.agree(shown)).answer
    assert (answer["error"], answer["error_description"]) == ("invalid_authorization_details", "Not any more.")


async def test_what_a_backend_says_was_allowed_is_judged(world: World, receiver: Receiver) -> None:
    """By /auth/authorization/issue: as it was asked for, or as the caller changed it; with the user, and nobody before."""
    changed = {"elements": [{"type": "payment", "otherFields": '{"amount":"9.00"}'}]}
    settings = world.issuer.settings
    async with backend(
        world, authorization_details_types=TYPES, hooks=settings.hooks, hook_secrets=settings.hook_secrets
    ) as caller:
        for details, allowed in ((None, PAYMENT), (AuthzDetails(changed), PAYMENT | {"amount": "9.00"})):
            for verdict in (True, False):
                receiver.heard.clear()
                receiver.answers[EVENT] = {"allow": verdict}
                ticket = (await ask(caller, **said(PAYMENT))).ticket
                assert receiver.heard == []
                issued = await issue(caller, ticket, authorizationDetails=details)
                assert sent(issued.responseContent).get("error") == (
                    None if verdict else "invalid_authorization_details"
                )
                about = {"client_id": "app", "subject": "alice", "authorization_details": [allowed]}
                assert receiver.of(EVENT) == [about]


async def test_a_hook_may_refuse_it_to_this_user(world: World, receiver: Receiver) -> None:
    """Once it is known who is to allow it: the client hears so, and there is no page to agree on."""
    receiver.answers[EVENT] = {"allow": True}
    person = Person(world)
    shown = await person.authorize(**said(PAYMENT))
    receiver.answers[EVENT] = {"allow": False, "message": "It is not her account."}
    answer = (await person.log_in(shown)).answer
    assert (answer["error"], answer["error_description"]) == ("invalid_authorization_details", "It is not her account.")
    assert (await person.post("/login", shown.form | {"username": "alice", "password": "wonderland"})).status == 400


@pytest.mark.parametrize(
    "answer",
    [
        {"allow": True, "descriptions": ["one", "too many"]},
        {"allow": True, "descriptions": ["x" * 501]},
        {"allow": True, "descriptions": [7]},
        {"allow": True, "words": []},
        {"allow": "yes"},
    ],
)
async def test_an_answer_that_is_none_is_a_failure(world: World, receiver: Receiver, answer: object) -> None:
    receiver.answers[EVENT] = answer
    assert (await Person(world).sign_in(**said(PAYMENT))).status == 503


async def test_a_hook_that_is_down_holds_up_its_details_alone(world: World, receiver: Receiver) -> None:
    """P7: 503 at the token endpoint, and for the user, who may try again; nothing of other types."""
    receiver.turn = saying(500)
    assert (await world.token(grant_type="client_credentials", **said(PAYMENT))).status == 503
    assert (await Person(world).sign_in(**said(PAYMENT))).status == 503
    assert (await world.token(grant_type="client_credentials", **said({"type": "account"}))).status == 200
