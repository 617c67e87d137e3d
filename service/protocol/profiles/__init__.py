"""Security profiles: each is a file with a table of rules.

The rules are applied to settings at the start, to clients and to requests; they use neither Redis nor HTTP. Where settings
and client both have a profile, the rules of both apply, so that a client never gets laxer rules.
"""

from collections.abc import Iterable
from functools import cache, reduce

from service.protocol.errors import UnauthorizedClient
from service.protocol.names import Profile
from service.protocol.profiles import fapi1_advanced, fapi2_message_signing, fapi2_security, oauth2_1
from service.protocol.profiles.demands import NO_DEMANDS, Demands
from service.protocol.profiles.rule import ClientMembers, Here, Rule, SecurityProfile, SettingRule

PROFILES: dict[Profile, SecurityProfile] = {
    Profile.FAPI2_SECURITY: fapi2_security.PROFILE,
    Profile.FAPI2_MESSAGE_SIGNING: fapi2_message_signing.PROFILE,
    Profile.FAPI1_ADVANCED: fapi1_advanced.PROFILE,
    Profile.OAUTH2_1: oauth2_1.PROFILE,
}

__all__ = [
    "NO_DEMANDS",
    "PROFILES",
    "ClientMembers",
    "Demands",
    "Here",
    "Rule",
    "SecurityProfile",
    "SettingRule",
    "broken_by",
    "check_keeps",
    "demands_of",
    "refused_delivery_modes",
    "refused_grant_types",
    "rules_of",
]


@cache
def rules_of(ours: Profile | None, clients: Profile | None) -> tuple[Rule, ...]:
    """Return the rules of the profiles of the settings and of a client, without duplicates.

    Rules with different sections are different rules, so both apply where two profiles demand something differently.
    """
    rules = [rule for name in (ours, clients) if name is not None for rule in PROFILES[name].rules]
    return tuple({(rule.name, rule.section): rule for rule in rules}.values())


@cache
def demands_of(ours: Profile | None, clients: Profile | None) -> Demands:
    """Return the demands on the requests of a client with this profile, in addition to that of the settings."""
    return reduce(Demands.with_those_of, (rule.demands for rule in rules_of(ours, clients)), NO_DEMANDS)


def refused_grant_types(ours: Profile | None) -> frozenset[str]:
    """Return the grant types that no client may have under the profile of the settings."""
    return frozenset(name for rule in rules_of(ours, None) for name in rule.refused_grant_types)


def refused_delivery_modes(ours: Profile | None) -> frozenset[str]:
    """Return the delivery modes of CIBA that no client can have under the profile of the settings."""
    return frozenset(name for rule in rules_of(ours, None) for name in rule.refused_delivery_modes)


def broken_by(client: ClientMembers, rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules that a client does not keep."""
    return [rule for rule in rules if not rule.is_kept_by(client)]


def check_keeps(client: ClientMembers, ours: Profile | None) -> None:
    """Refuse requests of a client that breaks its profile or that of the settings, as it may be older than a rule.

    Raises:
        UnauthorizedClient: The client breaks a rule.
    """
    for rule in broken_by(client, rules_of(ours, client.profile)):
        names = (name for name in (ours, client.profile) if name is not None)
        label = next(name.value for name in names if rule in PROFILES[name].rules)
        raise UnauthorizedClient(
            f"The client does not keep the profile {label}: {rule.text} ({rule.section})",
            log=f"client does not keep {label}: {rule.name}, {rule.section}; see `mintmark client check`",
        )
