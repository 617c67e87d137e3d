"""Each rule of each security profile, broken: by a client, by a setting, by a request. No rule is without such an example."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import msgspec
import pytest
from aiohttp import ClientResponse

from service.admin.clients import create_client, update_client
from service.admin.errors import InvalidInput
from service.crypto.key_material import generate
from service.protocol.errors import UnauthorizedClient
from service.protocol.names import Profile, SigningAlgorithm
from service.protocol.profiles import NO_DEMANDS, PROFILES, Rule, broken_by, check_keeps, rules_of
from service.settings import SettingsError
from tests.assertions import ISSUER, KEYS, Signer
from tests.dpop import Prover
from tests.profiles import SURROUNDINGS, Bank, sound
from tests.world import World, error_of, settings_for

BY_CLIENT: dict[str, dict[str, Any]] = {
    "algorithms": {"id_token_signed_response_alg": "RS256"},
    "assertion_audience": {"strict_assertion_audience": False},
    "certificate_bound": {"tls_client_certificate_bound_access_tokens": False},
    "client_authentication": {"auth_method": "client_secret_basic"},
    "code_lifetime": {"code_lifetime": 61},
    "confidential_clients": {"auth_method": "none"},
    "https_redirects": {"redirect_uris": ("http://127.0.0.1/cb",)},
    "no_implicit": {"response_types": ("code", "code token")},
    "no_password": {"grant_types": ("authorization_code", "password")},
    "no_rotation": {"refresh_rotation": "always"},
    "pkce": {"allow_plain_pkce": True},
    "pkce_when_pushed": {"allow_plain_pkce": True},
    "pushed_requests": {"require_pushed_authorization_requests": False},
    "refresh_tokens": {"auth_method": "none", "refresh_rotation": "never"},
    "response_types": {"response_types": ("code", "id_token")},
    "sender_constrained": {"dpop_bound_access_tokens": False},
    "signed_introspection": {"introspect": True, "introspection_signed_response_alg": "RS256"},
    "signed_requests": {"require_signed_request_object": False},
}
"""Members that break a rule. A switch that is off is switched on with the profile: only an older client has it off."""
BY_SETTING: dict[str, Any] = {
    "assertion_audience": "several",
    "code_lifetime": 61,
    "dpop_signing_algorithms": ("ES384",),
    "openid": {"signing_key_files": ()},
    "par_lifetime": 600,
    "par_unregistered_redirects": True,
    "refresh_rotation": "always",
    "request_objects": "off",
    "require_pkce": False,
    "require_pushed_authorization_requests": False,
    "require_signed_request_object": False,
    "response_types": ("code", "id_token token"),
    "signing_algorithms": ("RS256",),
    "takes_client_certificates": {"forwarded_certificate": "off"},
}
"""Values that break a rule; a table: settings by which what follows from them does."""

Request = Callable[[Bank], Awaitable[tuple[Any, ...]]]


async def _signed_otherwise(bank: Bank) -> tuple[Any, ...]:
    """Assertion, request object and proofs, each with a good key but another algorithm."""
    found = [await error_of(await bank.push(Signer(KEYS[SigningAlgorithm.RS256], "RS256").sign()))]
    found.append(await error_of(await bank.post("/par", {"client_id": "app", "request": bank.signed("RS256")})))
    key = generate(SigningAlgorithm.ES384, 0)
    found.append(await error_of(await bank.redeem("mm_ac_x", Prover("ES384", key).proof())))
    found.append(await error_of(await bank.push(dpop=Prover("ES384", key).proof(url=f"{ISSUER}/par"))))
    return tuple(error for _, error in found)


async def _by_secret(bank: Bank) -> tuple[Any, ...]:
    return await error_of(await bank.world.post("/par", bank.request()))


async def _without_authentication(bank: Bank) -> tuple[Any, ...]:
    return await error_of(await bank.world.post("/par", bank.request(), None))


async def _without_nbf(bank: Bank) -> tuple[Any, ...]:
    return await error_of(await bank.post("/par", {"client_id": "app", "request": bank.signed(nbf=None)}))


def _pushed(**changes: str) -> Request:
    async def attack(bank: Bank) -> tuple[Any, ...]:
        return await error_of(await bank.push(**changes))

    return attack


async def _not_for_now(bank: Bank) -> tuple[Any, ...]:
    soon, later = ({"nbf": bank.signer.claims()["iat"] + ahead} for ahead in (8, 61))
    taken = await bank.push(bank.signer.sign(**soon))
    return taken.status, *await error_of(await bank.push(bank.signer.sign(**later)))


async def _by_another_key(bank: Bank) -> tuple[Any, ...]:
    shown = await bank.sign_in(dpop=bank.prover.proof(url="http://127.0.0.1:8080/par"))
    code = _answer(shown.answer)["code"]
    stolen = await error_of(await bank.redeem(code, Prover().proof()))
    return *stolen, (await bank.redeem(code)).status


async def _twice(bank: Bank) -> tuple[Any, ...]:
    code = _answer((await bank.sign_in()).answer)["code"]
    first = await bank.redeem(code)
    await first.json()
    return first.status, *await error_of(await bank.redeem(code))


async def _names_the_issuer(bank: Bank) -> tuple[Any, ...]:
    shown = await bank.sign_in()
    return (_answer(shown.answer)["iss"],)


async def _status(bank: Bank) -> tuple[Any, ...]:
    return ((await bank.sign_in()).status,)


async def _state_is_hashed(bank: Bank) -> tuple[Any, ...]:
    shown = await bank.sign_in(response_type="code id_token", response_mode="")
    claims = jwt.decode(shown.answer["id_token"], options={"verify_signature": False})
    return shown.answer["state"], len(urlsafe_b64decode(claims["s_hash"] + "==")), "c_hash" in claims


async def _elsewhere(bank: Bank) -> tuple[Any, ...]:
    """The setting is switched on when the client is there already."""
    async with bank.world.having(par_unregistered_redirects=True) as bank.world:
        return await error_of(await bank.push(redirect_uri="https://elsewhere.example/cb"))


async def _lives_too_long(bank: Bank) -> tuple[Any, ...]:
    async with bank.world.having(par_lifetime=600) as bank.world:
        pushed = await bank.push()
        (kept,) = bank.world.redis.nodes[0].admin.scan_iter("*pushed:*")
        left: Any = bank.world.redis.nodes[0].admin.ttl(kept)
        return (await pushed.json())["expires_in"], left < 600


async def _in_the_query(bank: Bank) -> tuple[Any, ...]:
    response: ClientResponse = await bank.world.http.get("/userinfo", params={"access_token": "mm_at_x"})
    return (response.status,)


BAD_OBJECT, BAD_REQUEST, BAD_CLIENT = (400, "invalid_request_object"), (400, "invalid_request"), (401, "invalid_client")
BY_REQUEST: dict[str, tuple[Request, tuple[Any, ...]]] = {
    "algorithms": (
        _signed_otherwise,
        ("invalid_client", "invalid_request_object", "invalid_dpop_proof", "invalid_dpop_proof"),
    ),
    "authenticated_push": (_without_authentication, BAD_CLIENT),
    "client_authentication": (_by_secret, BAD_CLIENT),
    "clock_skew": (_not_for_now, (201, *BAD_CLIENT)),
    "code_bound_to_key": (_by_another_key, (400, "invalid_grant", 200)),
    "code_once": (_twice, (200, 400, "invalid_grant")),
    "exact_redirects": (_elsewhere, BAD_REQUEST),
    "https_redirects": (_elsewhere, BAD_REQUEST),
    "iss": (_names_the_issuer, ("http://127.0.0.1:8080",)),
    "no_token_in_query": (_in_the_query, (401,)),
    "nonce": (_pushed(nonce=""), BAD_REQUEST),
    "pkce_when_pushed": (_pushed(code_challenge="", code_challenge_method=""), BAD_REQUEST),
    "pushed_lifetime": (_lives_too_long, (599, True)),
    "redirect_status": (_status, (303,)),
    "redirect_uri_named": (_pushed(redirect_uri="", scope="read"), BAD_REQUEST),
    "request_object_claims": (_without_nbf, BAD_OBJECT),
    "response_types": (_pushed(response_mode="query"), BAD_REQUEST),
    "scope_named": (_pushed(scope=""), BAD_REQUEST),
    "signed_responses": (_pushed(response_mode="query"), BAD_REQUEST),
    "state_hash": (_state_is_hashed, ("st", 16, True)),
}
"""What breaks a rule, and the answer; of what holds of every response, what is in it."""

RULES = [(profile, rule) for profile in Profile for rule in PROFILES[profile].rules]
_ID = "{0[0].value}-{0[1].name}".format


def _answer(fields: dict[str, str]) -> dict[str, Any]:
    """What came back, out of its JWT where it came in one."""
    if "response" not in fields:
        return fields
    claims: dict[str, Any] = jwt.decode(fields["response"], options={"verify_signature": False})
    return claims


def _has_client_part(rule: Rule) -> bool:
    return rule.holds is not Rule._field_defaults["holds"]


def _is_broken_by_requests(rule: Rule) -> bool:
    return rule.demands != NO_DEMANDS or not (_has_client_part(rule) or rule.settings)


def test_every_rule_has_an_example_that_breaks_it() -> None:
    """Whoever adds a rule adds an example; and none is left of a rule that went."""
    rules = [rule for _, rule in RULES]
    assert {rule.name for rule in rules if _has_client_part(rule)} == BY_CLIENT.keys()
    assert {one.name for rule in rules for one in rule.settings} == BY_SETTING.keys()
    assert {rule.name for rule in rules if _is_broken_by_requests(rule)} == BY_REQUEST.keys()


@pytest.mark.parametrize("case", [one for one in RULES if _has_client_part(one[1])], ids=_ID)
async def test_a_client_that_breaks_it_is_refused(case: tuple[Profile, Rule], world: World) -> None:
    profile, rule = case
    async with world.having(**SURROUNDINGS[profile]) as here:
        broken = BY_CLIENT[rule.name]
        client = (await create_client(here.issuer, sound(profile))).client
        assert rule.is_kept_by(client)
        if set(broken.values()) == {False}:
            assert rule.is_kept_by(await update_client(here.issuer, "app", broken))
        else:
            with pytest.raises(InvalidInput, match=re.escape(rule.section)):
                await update_client(here.issuer, "app", broken)
            with pytest.raises(InvalidInput, match=re.escape(rule.section)):
                await create_client(here.issuer, sound(profile, **{"client_id": "other", **broken}))
    older = msgspec.structs.replace(client, **broken)
    assert rule in broken_by(older, rules_of(profile, None))
    with pytest.raises(UnauthorizedClient):
        check_keeps(older, profile)


@pytest.mark.parametrize(
    "case", [(p, r, one) for p, r in RULES for one in r.settings], ids="{0[0].value}-{0[2].name}".format
)
def test_a_setting_that_breaks_it_is_refused(case: Any, world: World) -> None:
    profile, rule, one = case
    value = BY_SETTING[one.name]
    changes = value if isinstance(value, dict) else {one.name: value}
    settings_for(world.redis.url, profile=profile, **SURROUNDINGS[profile])
    with pytest.raises(SettingsError, match=f"{one.name}: must be .*{re.escape(rule.section)}"):
        settings_for(world.redis.url, **({"profile": profile} | SURROUNDINGS[profile] | changes))


@pytest.mark.parametrize("case", [one for one in RULES if _is_broken_by_requests(one[1])], ids=_ID)
async def test_a_request_that_breaks_it_is_refused(case: tuple[Profile, Rule], world: World) -> None:
    profile, rule = case
    attack, expected = BY_REQUEST[rule.name]
    changes: dict[str, Any] = {"response_types": ("code", "code id_token")} if rule.name == "state_hash" else {}
    async with world.having(**SURROUNDINGS[profile]) as here:
        assert await attack(await Bank(here, profile).open(**changes)) == expected
