"""Advice on what of a client, or of a record that names clients, is likely to be missing yet, or mistyped."""

import asyncio
from collections.abc import Iterable

from service.admin import audience
from service.grants.token_exchange import ANY_CLIENT
from service.issuer import Issuer
from service.protocol import client_id_urls, scopes
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import ClientAuthMethod
from service.records.client import Client
from service.settings import Settings

_MOST_NAMED = 3
_OF_METHODS = {
    ClientAuthMethod.FEDERATED_JWT: ("federated_issuer", "federated_subject", "federated_claims"),
    ClientAuthMethod.TLS_CLIENT_AUTH: (
        *("tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri"),
        *("tls_client_auth_san_ip", "tls_client_auth_san_email"),
    ),
}
"""The members that only one authentication method reads."""
HINTED = frozenset(
    {"scopes", "authorization_details_types", "exchange_from", "auth_method"}
    | {name for names in _OF_METHODS.values() for name in names}
)
"""The members that there is advice on."""


async def hints(issuer: Issuer, client: Client) -> tuple[str, ...]:
    """Return the advice on a client, for the operator who looks at it or changed it."""
    found = (
        audience.hint(client),
        scopes.comma_hint(client.scopes),
        _details_hint(issuer.settings, client),
        *(_method_hint(client, method) for method in _OF_METHODS),
        *await hints_on_names(issuer, "exchange_from", client.exchange_from),
    )
    return tuple(filter(None, found))


async def hints_on_names(issuer: Issuer, member: str, names: Iterable[str]) -> list[str]:
    """Return advice on the client_ids in a member, which other clients are compared with.

    A client may be made later, so that none is refused. No advice where Redis is away, as the act is done by then.
    """
    plain = [name for name in names if name != ANY_CLIENT and not client_id_urls.is_url(name)]
    try:
        found = dict(zip(plain, await asyncio.gather(*map(issuer.store.clients.read, plain)), strict=True))
    except TemporarilyUnavailable:
        return []
    unknown = [name for name, client in found.items() if client is None]
    aliases = [(name, client.client_id) for name, client in found.items() if client and client.client_id != name]
    named = ", ".join(unknown[:_MOST_NAMED]) + (" …" if len(unknown) > _MOST_NAMED else "")
    return [
        *([f"{member}: there is no client {named} yet."] if unknown else []),
        *(
            f"{member}: {alias} is the alias of the client {client_id}, and only the client_id counts here."
            for alias, client_id in aliases[:_MOST_NAMED]
        ),
    ]


def _method_hint(client: Client, method: ClientAuthMethod) -> str:
    set_members = [name for name in _OF_METHODS[method] if getattr(client, name)]
    if not set_members or client.auth_method == method:
        return ""
    return (
        f"{', '.join(set_members)}: of no effect, as it authenticates by {client.auth_method}; "
        f"auth_method {method.value} reads this."
    )


def _details_hint(settings: Settings, client: Client) -> str:
    unknown = [name for name in client.authorization_details_types if name not in settings.authorization_details_types]
    if not unknown:
        return ""
    return (
        f"The settings describe no authorization details of the type {' or '.join(unknown)} (authorization_details_types): "
        "requests with them are refused."
    )
