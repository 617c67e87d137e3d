"""The profile of all clients: what it makes of settings that are not set, and what contradicts it."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.protocol.names import Profile
from service.protocol.profiles import PROFILES, Rule, SettingRule
from service.settings.group import SettingsGroup


class ProfilesSettings(SettingsGroup):
    """Security profile."""

    profile: Profile | None = None
    """Security profile that every client keeps: fapi2_security, fapi2_message_signing, fapi1_advanced or oauth2_1. Settings
    that are not set become what it demands, and others are refused where they contradict it. Requests of clients that do not
    keep it are refused (`mintmark client check`)."""


def with_profile(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was written, and what its profile makes of settings of which nothing is said.

    What is no profile is left to be refused as such.
    """
    try:
        profile = Profile(written.get("profile", ""))
    except ValueError:
        return dict(written)
    return {one.name: one.value for _, one in setting_rules(profile) if one.value is not None} | dict(written)


def setting_rules(profile: Profile) -> Iterator[tuple[Rule, SettingRule]]:
    """Yield what a profile demands of settings, each with the rule that it belongs to."""
    for rule in PROFILES[profile].rules:
        for one in rule.settings:
            yield rule, one


def profile_faults(settings: Any) -> Iterator[str]:  # noqa: ANN401 (all groups together)
    """Yield which settings contradict their profile."""
    if settings.profile is None:
        return
    for rule, one in setting_rules(settings.profile):
        if not one.holds(getattr(settings, one.name)):
            yield fault(one, rule, settings.profile)


def fault(one: SettingRule, rule: Rule, profile: Profile) -> str:
    """Return what is wrong with a setting, and where it is written."""
    return f"{one.name}: must be {one.text} for profile {profile.value} ({rule.section})"
