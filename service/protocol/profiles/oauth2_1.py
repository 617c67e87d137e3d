"""OAuth 2.1 (draft-ietf-oauth-v2-1)."""

from service.protocol.names import GrantTypeName, RefreshRotation, ResponseType
from service.protocol.profiles.common_rules import (
    REGISTERED_REDIRECTS,
    no_password,
    pkce,
)
from service.protocol.profiles.demands import Demands
from service.protocol.profiles.rule import (
    ClientMembers,
    Rule,
    SecurityProfile,
    SettingRule,
    sends_users,
)

_S = "OAuth 2.1 "
_WITHOUT_TOKEN = tuple(one for one in ResponseType if "token" not in one.parts)


def _cannot_be_stolen(client: ClientMembers) -> bool:
    """Whether refresh tokens of a public client are bound to a key, or replaced at each use."""
    return client.dpop_bound_access_tokens or client.refresh_rotation in (
        RefreshRotation.ALWAYS,
        RefreshRotation.PUBLIC_CLIENTS,
    )


PROFILE = SecurityProfile(
    title="OAuth 2.1",
    rules=(
        pkce(f"{_S}4.1.1"),
        Rule(
            name="exact_redirects",
            section=f"{_S}2.3.1",
            text="Redirect URIs are registered and compared as strings; the port of a native app's loopback address is free.",
            settings=(REGISTERED_REDIRECTS,),
            demands=Demands(registered_redirects=True),
        ),
        Rule(
            name="no_implicit",
            section=f"{_S}10.1",
            text="No access token comes from the authorization endpoint.",
            member="response_types",
            remedy="leave out response types with token",
            holds=lambda client: set(client.response_types) <= set(_WITHOUT_TOKEN),
            concerns=sends_users,
            settings=(
                SettingRule(
                    "response_types",
                    lambda ours: set(ours) <= set(_WITHOUT_TOKEN),
                    "none with token",
                    tuple(one.value for one in _WITHOUT_TOKEN),
                ),
            ),
        ),
        no_password(f"{_S}10"),
        Rule(
            name="no_token_in_query",
            section=f"{_S}5.1",
            text="Access tokens are not taken from a query.",
        ),
        Rule(
            name="refresh_tokens",
            section=f"{_S}4.3.1",
            text="Refresh tokens of public clients are replaced at each use, or bound to a key.",
            member="refresh_rotation",
            remedy="--refresh-rotation public_clients, or --dpop",
            holds=_cannot_be_stolen,
            members=lambda _, __: {"refresh_rotation": RefreshRotation.PUBLIC_CLIENTS},
            concerns=lambda client: client.public and GrantTypeName.REFRESH_TOKEN in client.grant_types,
        ),
    ),
)
