"""Explanations of the audience of access tokens: an API accepts only tokens that name it as their audience (RFC 9068 4)."""

from service.issuer import Issuer
from service.protocol.claims import SCOPE_CLAIMS
from service.protocol.names import OFFLINE_ACCESS, OPENID, GrantTypeName
from service.records.client import Client

_OF_SIGNING_IN = frozenset({OPENID, OFFLINE_ACCESS, *SCOPE_CLAIMS})
_OF_OTHER_TOKENS = frozenset({GrantTypeName.TOKEN_EXCHANGE, GrantTypeName.REFRESH_TOKEN})
"""Grant types whose tokens have the audience of the token that they come from, or one of ``exchange_audiences``."""


def hint(client: Client) -> str:
    """Return advice on a client whose access tokens no API would accept, though it seems to call APIs; otherwise ""."""
    calls = GrantTypeName.CLIENT_CREDENTIALS in client.grant_types or not set(client.scopes) <= _OF_SIGNING_IN
    if client.audiences or set(client.grant_types) <= _OF_OTHER_TOKENS or not calls:
        return ""
    return (
        "Its access tokens name no audience, so an API that checks it refuses them. If it is to call an API, say which: "
        f"mintmark client update {client.client_id} --audience https://api.example.com"
    )


def accepted_by(issuer: Issuer, client_id: str, audience: tuple[str, ...]) -> str:
    """Describe which APIs accept an access token with this audience, and why others do not."""
    apis = [name for name in audience if name != issuer.url]
    if not apis:
        return (
            f"UserInfo, and introspection by its own client {client_id}. No API: it names no audience. Give the client one "
            "(audiences); what is issued from then on has it."
        )
    return (
        f"APIs that want the audience {' or '.join(apis)}. Introspection shows it to its own client {client_id}, and to "
        "clients that may introspect and serve it (resources); to others it is inactive."
    )
