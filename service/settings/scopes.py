"""Scopes, and the claims that they release."""

from typing import Annotated

from pydantic import AfterValidator, Field

from service.protocol.checked_types import scope_word
from service.protocol.claims import MAX_CLAIM_NAME, check_claim_name
from service.protocol.names import UnknownScope
from service.settings.details_types import DetailsTypes
from service.settings.faults import check_each
from service.settings.group import SettingsGroup, checked_by

ClaimName = Annotated[str, Field(max_length=MAX_CLAIM_NAME), AfterValidator(check_claim_name)]
ScopeName = Annotated[str, AfterValidator(scope_word)]


def _check_scope(scope: str) -> None:
    check_each(scope.split(), scope_word)


class ScopesSettings(SettingsGroup):
    """Scopes and claims."""

    scopes: dict[ScopeName, str] = Field(default_factory=dict, examples=[{"read": "Read your data"}])
    """Scopes with the description that users see at consent."""
    scope_claims: dict[ScopeName, tuple[str, ...]] = Field(default_factory=dict, examples=[{"roles": ["roles"]}])
    """Claims about the user by further scope: who is granted the scope gets them in ID tokens and at UserInfo."""
    access_token_claims: dict[ScopeName, tuple[ClaimName, ...]] = Field(
        default_factory=dict, examples=[{"read": ["department"]}]
    )
    """Claims about the user in access tokens and their introspection, by granted scope. Those of one client are its own
    access_token_claims."""
    default_scope: Annotated[str, checked_by(_check_scope)] = ""
    """Scope granted where neither the request nor the client names one."""
    unknown_scope: UnknownScope = UnknownScope.REFUSE
    """Handling of a scope that the client may not have: refuse (invalid_scope), drop (grant the others)."""
    authorization_details_types: DetailsTypes = Field(
        default_factory=dict,
        examples=[
            {"payment": {"title": "Pay {amount} to {creditor}", "json_schema": {"required": ["amount", "creditor"]}}}
        ],
    )
    """Types of authorization details (RFC 9396) that clients may ask for."""
