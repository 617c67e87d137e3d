"""The authorization endpoint: every response type and mode, sessions and prompts, and who gets to see errors."""

import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from service.crypto.keyring import half_hash
from service.protocol.names import ResponseType, SigningAlgorithm, SubjectType
from tests.person import Person
from tests.world import CALLBACK, VERIFIER, World


def claims_of(id_token: str) -> dict[str, Any]:
    return jwt.decode(id_token, options={"verify_signature": False})


# response types and modes


@pytest.mark.parametrize("response_type", [one.value for one in ResponseType])
@pytest.mark.parametrize("response_mode", ["", "query", "fragment", "form_post"])
async def test_every_response_type_and_mode(person: Person, response_type: str, response_mode: str) -> None:
    """oidcc-basic/-implicit/-hybrid and oidcc-formpost-*: what is in the answer, and where it stands (IA-25, IA-26, IA-33)."""
    shown = await person.sign_in(response_type=response_type, response_mode=response_mode, state="s t/ü")
    parts = set(response_type.split()) - {"none"}
    in_fragment = response_mode == "fragment" or (not response_mode and bool(parts - {"code"}))
    answer = shown.answer
    if response_mode == "query" and parts - {"code"}:
        assert answer["error"] == "invalid_request"
        assert urlsplit(shown.location).query == ""
        return
    if response_mode == "form_post":
        assert (shown.status, shown.action, shown.location) == (200, CALLBACK, "")
    else:
        assert shown.location.startswith(CALLBACK + ("#" if in_fragment else "?"))
    assert (answer["state"], answer["iss"]) == ("s t/ü", person.world.issuer.url)
    assert {"access_token" if part == "token" else part for part in parts} == set(answer) & {
        *("code", "access_token", "id_token")
    }
    if "token" in parts:
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", "3600")
        assert await person.world.is_active(answer["access_token"])
        assert "refresh_token" not in answer
    if "id_token" in parts:
        claims = claims_of(answer["id_token"])
        assert (claims["nonce"], claims["aud"], claims["sub"]) == ("no", "app", "alice")
        for name, of in (("at_hash", "access_token"), ("c_hash", "code")):
            assert claims.get(name) == (half_hash(SigningAlgorithm.RS256, answer[of]) if of in answer else None)
    if "code" in parts:
        body = await (await person.world.redeem(answer["code"], code_verifier=VERIFIER)).json()
        assert claims_of(body["id_token"])["sub"] == "alice"


async def test_only_code_is_on_by_default(world: World) -> None:
    await world.client(scopes=("openid",))
    await world.user()
    shown = await Person(world).sign_in(response_type="id_token token")
    assert shown.error == "unauthorized_client"


async def test_without_an_access_token_the_claims_are_in_the_id_token(person: Person) -> None:
    """OpenID Connect Core 5.4; oidcc-implicit: scope modules of id_token alone."""
    shown = await person.sign_in(response_type="id_token", scope="openid email address")
    told = claims_of(shown.answer["id_token"])
    assert (told["email"], told["address"]) == ("alice@example.com", {"locality": "Oxford"})
    assert "name" not in told
    shown = await person.sign_in(response_type="id_token token", scope="openid email address")
    assert "email" not in claims_of(shown.answer["id_token"])


async def test_what_the_code_and_the_front_channel_issued_ends_together(person: Person) -> None:
    """P1: a code that is redeemed twice ends the access token that came with it, too."""
    answer = (await person.sign_in(response_type="code token")).answer
    tokens = await (await person.world.redeem(answer["code"], code_verifier=VERIFIER)).json()
    assert await person.world.is_active(answer["access_token"])
    await person.world.redeem(answer["code"], code_verifier=VERIFIER)
    assert not await person.world.is_active(answer["access_token"])
    assert not await person.world.is_active(tokens["access_token"])


async def test_a_redirect_uri_keeps_its_own_query(person: Person) -> None:
    """oidcc-redirect-uri-query-OK."""
    await person.world.openid_client("other", redirect_uris=(CALLBACK + "?foo=bar",))
    shown = await person.sign_in("other", redirect_uri=CALLBACK + "?foo=bar")
    assert dict(parse_qsl(urlsplit(shown.location).query))["foo"] == "bar"
    assert "code" in shown.answer


# ID tokens


async def test_the_id_token(person: Person) -> None:
    """OpenID Connect Core 2 and 12.2; IA-08, IA-19, IA-20, IA-34."""
    answer = (await person.sign_in(scope="openid profile email")).answer
    body = await (await person.world.redeem(answer["code"], code_verifier=VERIFIER)).json()
    jwks = jwt.PyJWKSet.from_dict(await (await person.world.http.get("/jwks")).json())
    header = jwt.get_unverified_header(body["id_token"])
    told = jwt.decode(body["id_token"], jwks[header["kid"]].key, algorithms=["RS256"], audience="app")
    now = time.time()
    assert header["alg"] == "RS256"
    assert abs(told["iat"] - now) < 60
    assert told["exp"] == told["iat"] + 3600
    assert told["auth_time"] <= told["iat"]
    assert (told["iss"], told["acr"], told["amr"]) == (person.world.issuer.url, "1", ["pwd"])
    assert told["at_hash"] == half_hash(SigningAlgorithm.RS256, body["access_token"])
    assert set(told) == {
        *("iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")
    }
    refreshed = await (await person.world.refresh(body["refresh_token"])).json()
    again = claims_of(refreshed["id_token"])
    same = ("iss", "sub", "aud", "auth_time", "sid", "acr")
    assert {name: again[name] for name in same} == {name: told[name] for name in same}
    assert again["jti"] != told["jti"]
    assert "nonce" not in again


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
async def test_each_client_has_its_algorithm(world: World, algorithm: SigningAlgorithm) -> None:
    """oidcc-idtoken-rs256 and the others."""
    await world.openid_client(id_token_signed_response_alg=algorithm)
    await world.user()
    answer = (await Person(world).sign_in(response_type="code id_token")).answer
    jwks = jwt.PyJWKSet.from_dict(await (await world.http.get("/jwks")).json())
    header = jwt.get_unverified_header(answer["id_token"])
    assert header["alg"] == algorithm.value
    key = jwks[header["kid"]].key
    told = jwt.decode(answer["id_token"], key, algorithms=[algorithm.value], audience="app")
    assert told["c_hash"] == half_hash(algorithm, answer["code"])


async def test_without_openid_there_is_no_id_token(person: Person) -> None:
    """AU-22."""
    answer = (await person.sign_in(scope="read")).answer
    body = await (await person.world.redeem(answer["code"], code_verifier=VERIFIER)).json()
    assert "id_token" not in body


async def test_pairwise_subjects_differ_by_sector(world: World) -> None:
    """OpenID Connect Core 8.1."""
    async with world.having(pairwise_salt="salt" * 4) as other:
        await other.user()
        seen = {}
        for client_id, sector in (("a", "x.example"), ("b", "x.example"), ("c", "y.example")):
            await other.openid_client(client_id, subject_type=SubjectType.PAIRWISE, sector_identifier=sector)
            answer = (await Person(other).sign_in(client_id, response_type="id_token token")).answer
            seen[client_id] = claims_of(answer["id_token"])["sub"]
            told = await other.http.get("/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"})
            assert (await told.json())["sub"] == seen[client_id]
        assert seen["a"] == seen["b"] != seen["c"]
        assert "alice" not in seen.values()


# the claims parameter


async def test_single_claims_are_told_where_they_are_asked_for(person: Person) -> None:
    """OpenID Connect Core 5.5; oidcc-claims-essential."""
    asked = {"userinfo": {"name": {"essential": True}}, "id_token": {"email": None, "nickname": None, "sub": None}}
    answer = (await person.sign_in(claims=json.dumps(asked))).answer
    body = await (await person.world.redeem(answer["code"], code_verifier=VERIFIER)).json()
    told = claims_of(body["id_token"])
    assert (told["email"], "nickname" in told, "name" in told) == ("alice@example.com", False, False)
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    userinfo = await (await person.world.http.get("/userinfo", headers=bearer)).json()
    assert userinfo == {"sub": "alice", "name": "Alice"}
    refreshed = await (await person.world.refresh(body["refresh_token"])).json()
    assert claims_of(refreshed["id_token"])["email"] == "alice@example.com"


async def test_the_person_is_asked_about_single_claims(person: Person) -> None:
    """They are what a scope means, and so is what the person allows; a scope that the client may not have stays closed."""
    asked = json.dumps({"userinfo": {"email": None, "phone_number": None}})
    await person.world.openid_client("shy", scopes=("openid", "email"))
    shown = await person.log_in(await person.authorize("shy", claims=asked))
    assert "See your e-mail address" in shown.text
    assert "phone number" not in shown.text
    answer = (await person.agree(shown)).answer
    body = await (await person.world.redeem(answer["code"], "shy", code_verifier=VERIFIER)).json()
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    told = await (await person.world.http.get("/userinfo", headers=bearer)).json()
    assert told == {"sub": "alice", "email": "alice@example.com"}


# sessions and prompts


async def test_nobody_is_asked_with_prompt_none(person: Person) -> None:
    """oidcc-prompt-none-not-logged-in, oidcc-prompt-none-logged-in, oidcc-id-token-hint."""
    assert (await person.authorize(prompt="none")).error == "login_required"
    first = (await person.sign_in(response_type="code id_token")).answer
    again = (await person.authorize(prompt="none", response_type="code id_token")).answer
    one, two = claims_of(first["id_token"]), claims_of(again["id_token"])
    assert (one["sub"], one["auth_time"], one["sid"]) == (two["sub"], two["auth_time"], two["sid"])
    assert (await person.authorize(prompt="none", scope="openid email")).error == "consent_required"
    hinted = await person.authorize(prompt="none", id_token_hint=first["id_token"])
    assert "code" in hinted.answer
    assert (await person.authorize(prompt="none", response_type="id_token", scope="openid email")).location.count("#")


async def test_a_hint_about_somebody_else_asks_for_that_one(person: Person) -> None:
    """OpenID Connect Core 3.1.2.1: the answer is about the one who was named, or there is none."""
    await person.world.user("bob", "builder-bob")
    other = Person(person.world)
    bob = await other.agree(await other.log_in(await other.authorize(response_type="id_token"), "bob", "builder-bob"))
    hint = bob.answer["id_token"]
    await person.sign_in()
    assert (await person.authorize(prompt="none", id_token_hint=hint)).error == "login_required"
    shown = await person.authorize(id_token_hint=hint)
    assert shown.heading == "Sign in"
    assert (await person.log_in(shown)).error == "login_required"
    subject = json.dumps({"id_token": {"sub": {"value": "bob"}}})
    assert (await person.authorize(prompt="none", claims=subject)).error == "login_required"


@pytest.mark.parametrize("kind", ["garbage", "forged", "of another client", "access token"])
async def test_a_hint_that_is_none_is_refused(person: Person, kind: str) -> None:
    answer = (await person.sign_in(response_type="id_token token")).answer
    await person.world.openid_client("other")
    theirs = (await person.sign_in("other", response_type="id_token")).answer["id_token"]
    head, body, signature = answer["id_token"].split(".")
    hint = {
        "garbage": "x.y.z",
        "forged": f"{head}.{body}.{signature[::-1]}",
        "of another client": theirs,
        "access token": answer["access_token"],
    }[kind]
    assert (await person.authorize(id_token_hint=hint)).error == "invalid_request"


async def test_max_age_is_counted_from_the_login(person: Person) -> None:
    """oidcc-max-age-1, oidcc-max-age-10000; with a clock in the test's hand."""
    first = claims_of((await person.sign_in(response_type="id_token")).answer["id_token"])
    later = time.time() + 100
    async with person.world.with_part(clock=lambda: later) as other:
        person.world = other
        kept = await person.authorize(response_type="id_token", max_age="10000")
        assert claims_of(kept.answer["id_token"])["auth_time"] == first["auth_time"]
        assert (await person.authorize(prompt="none", max_age="1")).error == "login_required"
        again = await person.log_in(await person.authorize(response_type="id_token", max_age="1"))
        assert claims_of(again.answer["id_token"])["auth_time"] == int(later)
        assert (await person.authorize(response_type="id_token", max_age="0")).heading == "Sign in"


async def test_prompt_login_asks_again_even_in_another_tab(person: Person) -> None:
    """oidcc-prompt-login: only a login for this very request will do."""
    await person.sign_in()
    waiting = await person.authorize(prompt="login")
    await person.sign_in(prompt="login")
    assert (await person.get(f"/login?ticket={waiting.form['ticket']}")).heading == "Sign in"


async def test_what_was_answered_in_another_tab_need_not_be_answered_again(person: Person) -> None:
    first, second = await person.authorize(), await person.authorize()
    assert "code" in (await person.agree(await person.log_in(first))).answer
    moved_on = await person.get(f"/login?ticket={second.form['ticket']}")
    assert "code" in moved_on.answer


async def test_a_client_s_own_application_asks_for_no_consent(person: Person) -> None:
    await person.world.openid_client("own", skip_consent=True)
    assert "code" in (await person.log_in(await person.authorize("own"))).answer
    shown = await person.authorize("own", prompt="consent")
    assert shown.action == "/consent"


async def test_a_client_that_was_revoked_asks_again(person: Person) -> None:
    """Consents are of a generation: what an operator ended is not silently granted anew."""
    await person.sign_in()
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, generation=int(time.time() * 1000) + 5000)
    assert (await person.authorize(prompt="none")).error == "consent_required"


async def test_a_disabled_user_gets_nothing(person: Person) -> None:
    await person.sign_in()
    await person.world.set_enabled("alice", enabled=False)
    shown = await person.authorize()
    assert shown.error == "access_denied" or shown.heading == "Sign in"


async def test_a_session_ends_idle(world: World) -> None:
    """In Redis, by its TTL (P4)."""
    await world.openid_client()
    await world.user()
    person = Person(world)
    await person.sign_in()
    ends = world.ends("{session:")
    assert len(ends) == 2
    assert all(0 < end <= time.time() + 86461 for end in ends.values())
    world.expire("{session:")
    assert (await person.authorize(prompt="none")).error == "login_required"


@pytest.mark.parametrize(
    ("response_type", "recorded"), [("code", "authorization_code"), ("id_token token", "implicit")]
)
async def test_how_a_grant_came_to_be_is_recorded(person: Person, response_type: str, recorded: str) -> None:
    """IA-13, IA-14."""
    await person.sign_in(response_type=response_type)
    page = await person.world.issuer.store.grants.list_of_user("alice")
    assert [listed.grant.grant_type for listed in page.grants] == [recorded]
