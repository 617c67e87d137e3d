"""The check of a client against a security profile, rule by rule."""

from typing import Annotated, NamedTuple

from pydantic import Field

from service.admin.client_input import ClientInput
from service.admin.client_profile import completed, unmet_settings
from service.admin.clients import ClientName, as_input, get_client
from service.admin.errors import InvalidInput
from service.issuer import Issuer
from service.protocol.names import Profile
from service.protocol.profiles import rules_of


class CheckedRule(NamedTuple):
    """A rule of a profile, and whether a client keeps it."""

    rule: str
    section: str
    holds: bool
    text: str
    to_do: str
    """What to change where the client breaks the rule, "" where it keeps it."""


class ProfileCheck(NamedTuple):
    """Whether a client keeps a profile."""

    client_id: str
    profile: str
    holds: bool
    rules: tuple[CheckedRule, ...]


async def check_profile(
    issuer: Issuer,
    client_id: ClientName,
    profile: Annotated[
        Profile | None, Field(description="By default the client's own beside that of the settings.")
    ] = None,
) -> ProfileCheck:
    """Check for each rule of a profile whether the client keeps it. Raises NotFound, InvalidInput where there is no profile."""
    client = await get_client(issuer, client_id)
    names = (None, profile) if profile else (issuer.settings.profile, client.profile)
    if names == (None, None):
        raise InvalidInput("profile: neither the client nor the settings have one; name it")
    given = ClientInput.read(as_input(client))
    tightened = completed(issuer, given, rules_of(*names))
    found = []
    for rule in rules_of(*names):
        to_do = list(unmet_settings(issuer, rule))
        if not rule.is_kept_by(given):
            by_itself = "set by --profile" if rule.is_kept_by(tightened) else ""
            to_do.append("; ".join(filter(None, (rule.remedy, by_itself))))
        found.append(CheckedRule(rule.name, rule.section, not to_do, rule.text, "; ".join(to_do)))
    label = " + ".join(name.value for name in names if name)
    return ProfileCheck(client.client_id, label, all(one.holds for one in found), tuple(found))
