"""The security profile of all clients: its values for settings that are not set, and settings that contradict it."""

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
    """Return the written settings, with the values of their profile for settings that are not set.

    An unknown profile is ignored here, as validation refuses it.
    """
    try:
        profile = Profile(written.get("profile", ""))
    except ValueError:
        return dict(written)
    return {one.name: one.value for _, one in setting_rules(profile) if one.value is not None} | dict(written)


def setting_rules(profile: Profile) -> Iterator[tuple[Rule, SettingRule]]:
    """Yield the requirements of a profile for settings, each with the rule that it belongs to."""
    for rule in PROFILES[profile].rules:
        for one in rule.settings:
            yield rule, one


def profile_faults(settings: Any) -> Iterator[str]:  # noqa: ANN401 (all groups together)
    """Yield a line for each setting that contradicts the profile."""
    if settings.profile is None:
        return
    for rule, one in setting_rules(settings.profile):
        if not one.holds(getattr(settings, one.name)):
            yield fault(one, rule, settings.profile)


def fault(one: SettingRule, rule: Rule, profile: Profile) -> str:
    """Return a line about a setting that contradicts a rule, with its section in the profile."""
    return f"{one.name}: must be {one.text} for profile {profile.value} ({rule.section})"
