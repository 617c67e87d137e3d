"""The security profile of a client: its values for members that are not set, and its contradictions."""

from collections.abc import Iterable, Iterator

from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.issuer import Issuer
from service.protocol.client_metadata import ROWS
from service.protocol.profiles import Here, Rule, broken_by, rules_of


def under_profile(issuer: Issuer, given: ClientInput) -> ClientInput:
    """Return the client completed by its profile and by that of the settings.

    Members with their default value get the value that the profile demands. Without a profile nothing changes.

    Raises:
        InvalidInput: A member or a setting contradicts the profile.
    """
    given, rules = given.with_implicit(), rules_of(issuer.settings.profile, given.profile)
    if not broken_by(given, rules) and not _unmet(issuer, rules):
        return given
    tightened = completed(issuer, given, rules)
    tightened = ClientInput.read({name: getattr(tightened, name) for name in ClientInput.model_fields})
    faults = [f"{rule.member}: {rule.text} {rule.remedy} ({rule.section})" for rule in broken_by(tightened, rules)]
    if faults := [*faults, *_unmet(issuer, rules)]:
        raise InvalidInput("\n".join(faults))
    return tightened


def unmet_settings(issuer: Issuer, rule: Rule) -> Iterator[str]:
    """Yield the changes of settings without which no client can keep this rule."""
    for one in rule.settings:
        if one.for_each_client and not one.holds(getattr(issuer.settings, one.name)):
            yield f"the setting {one.name} must be {one.text}"


def _unmet(issuer: Issuer, rules: Iterable[Rule]) -> list[str]:
    return [f"profile: {text} ({rule.section})" for rule in rules for text in unmet_settings(issuer, rule)]


def completed(issuer: Issuer, given: ClientInput, rules: Iterable[Rule]) -> ClientInput:
    """Return the client with the values of the rules that it breaks, for members that it does not set."""
    offered = issuer.keyring.algorithms if issuer.keyring is not None else ()
    here = Here(tuple(one.value for one in offered), issuer.settings.code_lifetime)
    added = {
        name: value
        for rule in broken_by(given, rules)
        for name, value in rule.members(given, here).items()
        if getattr(given, name) == ROWS[name].default
    }
    return given.model_copy(update=added)
