"""Security profiles as tables: what their rules say of themselves, and how those of two profiles come together."""

import re

import pytest

from service.protocol.errors import InvalidRequest
from service.protocol.names import Profile, ResponseType
from service.protocol.profiles import PROFILES, Demands, demands_of, rules_of
from service.settings import Settings


def test_every_profile_is_in_the_list() -> None:
    assert PROFILES.keys() == set(Profile)


@pytest.mark.parametrize("profile", Profile)
def test_a_rule_names_its_section_and_is_named_once(profile: Profile) -> None:
    rules = PROFILES[profile].rules
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert re.search(r" \d+(\.\d+)*(-\d+)?$", rule.section), rule.name
        assert rule.text.endswith("."), rule.name


@pytest.mark.parametrize("profile", Profile)
def test_a_setting_that_a_rule_names_exists(profile: Profile) -> None:
    for rule in PROFILES[profile].rules:
        for one in rule.settings:
            assert hasattr(Settings, one.name) or one.name in Settings.model_fields, one.name
            assert one.value is None or one.holds(one.value), one.name


def test_message_signing_is_the_security_profile_and_more() -> None:
    assert set(rules_of(Profile.FAPI2_SECURITY, None)) < set(rules_of(Profile.FAPI2_MESSAGE_SIGNING, None))


@pytest.mark.parametrize("ours", [None, *Profile])
@pytest.mark.parametrize("clients", [None, *Profile])
def test_two_profiles_demand_what_each_demands(ours: Profile | None, clients: Profile | None) -> None:
    """Never less: whatever one of them has switched on stays on, and no algorithm comes back."""
    both = demands_of(ours, clients)
    for one in (demands_of(ours, None), demands_of(None, clients)):
        assert all(together or not alone for together, alone in zip(both[2:], one[2:], strict=True))
        assert one.algorithms is None or (both.algorithms or frozenset()) <= one.algorithms
        assert (
            set(rules_of(ours, None)) | set(rules_of(None, clients)) <= set(rules_of(ours, clients)) or ours == clients
        )


def test_nobody_without_a_profile_has_rules() -> None:
    assert (rules_of(None, None), demands_of(None, None)) == ((), Demands())


@pytest.mark.parametrize(
    ("demands", "response_type", "as_jwt"),
    [
        (Demands(jwt_response=True), ResponseType.CODE, True),
        (Demands(jwt_response=True), ResponseType.CODE_ID_TOKEN, False),
        (Demands(nonce=True), ResponseType.CODE, False),
    ],
)
def test_a_request_that_meets_the_demands_is_taken(demands: Demands, response_type: ResponseType, as_jwt: bool) -> None:
    demands.check({"scope": "read"}, response_type, as_jwt=as_jwt)


def test_openid_without_a_nonce_does_not_meet_them() -> None:
    with pytest.raises(InvalidRequest, match="nonce"):
        Demands(nonce=True).check({"scope": "read openid"}, ResponseType.CODE, as_jwt=False)
