"""Advice on what of a client is likely to be missing yet, or mistyped."""

from service.admin import audience
from service.issuer import Issuer
from service.protocol import scopes
from service.records.client import Client
from service.settings import Settings


def hints(issuer: Issuer, client: Client) -> tuple[str, ...]:
    """Return the advice on a client, for the operator who looks at it or changed it."""
    found = (audience.hint(client), scopes.comma_hint(client.scopes), _details_hint(issuer.settings, client))
    return tuple(filter(None, found))


def _details_hint(settings: Settings, client: Client) -> str:
    unknown = [name for name in client.authorization_details_types if name not in settings.authorization_details_types]
    if not unknown:
        return ""
    return (
        f"The settings describe no authorization details of the type {' or '.join(unknown)} (authorization_details_types): "
        "requests with them are refused."
    )
