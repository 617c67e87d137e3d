"""A client's security profile: what it sets, what the settings' adds, and what the check says of a client that has none."""

import msgspec
import pytest

from service.admin.clients import create_client, get_client, update_client
from service.admin.errors import InvalidInput
from service.admin.profile_check import check_profile
from service.protocol.names import Profile, RefreshRotation, SigningAlgorithm
from service.protocol.profiles import PROFILES, broken_by, rules_of
from tests.profiles import SOUND, SURROUNDINGS, Bank, sound
from tests.world import World, error_of


async def test_one_word_sets_what_is_not_said(world: World) -> None:
    client = (await create_client(world.issuer, sound(Profile.FAPI2_SECURITY))).client
    assert client.require_pkce
    assert client.require_pushed_authorization_requests
    assert client.dpop_bound_access_tokens
    assert client.strict_assertion_audience
    assert not client.require_signed_request_object
    assert (client.code_lifetime, client.refresh_rotation) == (60, RefreshRotation.NEVER)
    assert client.id_token_signed_response_alg is not SigningAlgorithm.RS256


REFUSED_TYPE = dict.fromkeys(Profile, "id_token") | {Profile.OAUTH2_1: "id_token token"}
"""A response type without a code that the profile does not have."""


@pytest.mark.parametrize("profile", Profile)
async def test_tokens_from_the_authorization_endpoint_need_no_grant_type_to_be_refused(
    profile: Profile, world: World
) -> None:
    """The grant type implicit follows from the response types, and the rules look at what the client is with it."""
    without_codes = {"grant_types": ("client_credentials",), "response_types": (REFUSED_TYPE[profile],)}
    async with world.having(**SURROUNDINGS[profile]) as here:
        with pytest.raises(InvalidInput, match="response_types: "):
            await create_client(here.issuer, sound(profile, **without_codes))
        await create_client(here.issuer, sound(profile, grant_types=("client_credentials",)))
        with pytest.raises(InvalidInput, match="response_types: "):
            await update_client(here.issuer, "app", {"response_types": (REFUSED_TYPE[profile],)})


@pytest.mark.parametrize("profile", Profile)
def test_response_types_without_the_grant_type_break_the_rule(profile: Profile) -> None:
    given = sound(profile, grant_types=("client_credentials",), response_types=(REFUSED_TYPE[profile],))
    broken = {rule.name for rule in broken_by(given, rules_of(profile, None))}
    assert broken & {"no_implicit", "response_types"}


async def test_what_is_said_and_keeps_the_profile_stays(world: World) -> None:
    said = {
        "code_lifetime": 20,
        "tls_client_certificate_bound_access_tokens": True,
        "id_token_signed_response_alg": "EdDSA",
    }
    client = (await create_client(world.issuer, sound(Profile.FAPI2_SECURITY, **said))).client
    assert (client.code_lifetime, client.dpop_bound_access_tokens) == (20, False)
    assert client.id_token_signed_response_alg is SigningAlgorithm.EDDSA


async def test_a_shorter_lifetime_of_the_settings_is_not_made_longer(world: World) -> None:
    async with world.having(code_lifetime=10) as here:
        assert (await create_client(here.issuer, sound(Profile.FAPI2_SECURITY))).client.code_lifetime == 10


async def test_every_broken_rule_is_named_at_once(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        await create_client(
            world.issuer, sound(Profile.FAPI2_SECURITY, auth_method="none", code_lifetime=61, allow_plain_pkce=True)
        )
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "auth_method",
        "auth_method",
        "code_lifetime",
        "allow_plain_pkce",
    ]


async def test_a_client_without_a_profile_is_left_alone(world: World) -> None:
    client = (await create_client(world.issuer, sound(None))).client
    assert (client.require_pkce, client.code_lifetime, client.dpop_bound_access_tokens) == (False, None, False)


async def test_settings_without_which_nobody_keeps_it_are_named(world: World) -> None:
    async with world.having(par_lifetime=600) as here:
        with pytest.raises(InvalidInput, match="profile: the setting par_lifetime must be less than 600"):
            await create_client(here.issuer, sound(Profile.FAPI2_SECURITY))
    with pytest.raises(InvalidInput, match="forwarded_certificate"):
        await create_client(world.issuer, sound(Profile.FAPI1_ADVANCED))


# under a profile of the settings


async def test_a_client_is_never_held_less_strictly_than_the_settings_say(world: World) -> None:
    async with world.having(profile="fapi2_security") as here:
        client = (await create_client(here.issuer, sound(None))).client
        assert (client.profile, client.require_pushed_authorization_requests) == (None, True)
        looser = (await create_client(here.issuer, sound(Profile.OAUTH2_1, client_id="other"))).client
        assert looser.dpop_bound_access_tokens
        stricter = (await create_client(here.issuer, sound(Profile.FAPI2_MESSAGE_SIGNING, client_id="third"))).client
        assert stricter.require_signed_request_object
        with pytest.raises(InvalidInput, match=r"5\.3\.2\.1-6"):
            await create_client(
                here.issuer, sound(Profile.OAUTH2_1, client_id="fourth", auth_method="client_secret_basic")
            )


async def test_an_older_client_is_refused_until_it_is_updated(world: World) -> None:
    bank = await Bank(world, Profile.OAUTH2_1).open()
    assert (await bank.push()).status == 201
    async with world.having(profile="fapi2_security") as here:
        bank.world = bank.person.world = here
        assert await error_of(await bank.push()) == (400, "unauthorized_client")
        shown = await bank.person.authorize()
        assert (shown.status, shown.error) == (400, "unauthorized_client")
        await update_client(here.issuer, "app", {"name": "The App"})
        assert (await bank.push()).status == 201


@pytest.mark.parametrize("ours", [None, Profile.OAUTH2_1])
async def test_a_client_that_breaks_its_own_profile_is_refused_until_it_is_updated(
    ours: Profile | None, world: World
) -> None:
    """Its record may be older than a rule; the settings need no profile, or keep another one."""
    async with world.having(profile=ours) as here:
        bank = await Bank(here, Profile.FAPI2_SECURITY).open()
        older = msgspec.structs.replace(bank.client, require_pushed_authorization_requests=False)
        await here.issuer.store.clients.save(older, bank.client)
        refused = await bank.push()
        assert "profile fapi2_security: Authorization requests are pushed." in await refused.text()
        assert await error_of(refused) == (400, "unauthorized_client")
        shown = await bank.person.authorize()
        assert (shown.status, shown.error) == (400, "unauthorized_client")
        await update_client(here.issuer, "app", {"name": "The App"})
        assert (await bank.push()).status == 201


async def test_an_api_that_only_introspects_is_no_client_of_the_profile(world: World) -> None:
    async with world.having(profile="fapi2_security") as here:
        await here.client("api", grant_types=(), redirect_uris=(), introspect=True)
        assert (await here.introspect("mm_at_x", "api")) == {"active": False}


async def test_discovery_lists_what_the_profile_leaves(world: World) -> None:
    async with world.having(profile="fapi2_security") as here:
        listed = await (await here.http.get("/.well-known/openid-configuration")).json()
    assert listed["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    for name in ("token_endpoint_auth", "request_object", "dpop"):
        assert set(listed[f"{name}_signing_alg_values_supported"]) <= {"PS256", "ES256", "EdDSA"}
    assert (listed["response_types_supported"], listed["require_pushed_authorization_requests"]) == (["code"], True)


# the check


@pytest.mark.parametrize("profile", Profile)
async def test_a_sound_client_keeps_every_rule(profile: Profile, world: World) -> None:
    async with world.having(**SURROUNDINGS[profile]) as here:
        await create_client(here.issuer, sound(profile))
        checked = await check_profile(here.issuer, "app")
    assert (checked.holds, checked.profile) == (True, profile.value)
    assert [one.rule for one in checked.rules] == [rule.name for rule in PROFILES[profile].rules]
    assert not any(one.to_do for one in checked.rules)


async def test_what_is_missing_is_said_with_its_section_and_what_to_do(world: World) -> None:
    await world.client(**(SOUND | {"auth_method": "client_secret_basic", "jwks": None}))
    checked = await check_profile(world.issuer, "app", Profile.FAPI2_SECURITY)
    broken = {one.rule: one for one in checked.rules if not one.holds}
    assert {"client_authentication", "sender_constrained", "pushed_requests", "pkce"} <= broken.keys()
    assert "confidential_clients" not in broken
    assert broken["client_authentication"].section == "FAPI 2.0 Security Profile 5.3.2.1-6"
    assert broken["client_authentication"].to_do.startswith("--auth-method private_key_jwt")
    assert broken["pushed_requests"].to_do == "--pushed-requests-only; set by --profile"
    assert (await get_client(world.issuer, "app")).profile is None


async def test_without_any_profile_there_is_nothing_to_check(world: World) -> None:
    await world.client("app")
    with pytest.raises(InvalidInput, match="neither the client nor the settings"):
        await check_profile(world.issuer, "app")
