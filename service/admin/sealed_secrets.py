"""Client secrets that have to be read again (client_secret_jwt), encrypted under the master key."""

import logging

import msgspec

from service.admin.audit import audited
from service.admin.clients import change_client, list_clients
from service.issuer import Issuer
from service.observe.events import Event
from service.records.client import Client, ClientSecret

log = logging.getLogger(__name__)


@audited("key.reseal")
async def reseal_secrets(issuer: Issuer) -> int:
    """Encrypt every such secret anew under the first master key, so that the others can be removed; return how many clients.

    Scans all clients, and continues where it was cut off. Raises UnusableKeyError for a secret that no master key opens,
    without revealing it.
    """
    count, cursor = 0, ""
    while True:
        page = await list_clients(issuer, cursor, 500)
        for client in page.rows:
            if any(_is_outdated(issuer, secret) for secret in client.secrets):
                await change_client(issuer, client.client_id, lambda seen: _resealed(issuer, seen))
                count += 1
        cursor = page.cursor
        if not cursor:
            log.info(Event.SECRETS_RESEALED, extra={"clients": count})
            return count


def _is_outdated(issuer: Issuer, secret: ClientSecret) -> bool:
    return bool(secret.sealed) and secret.sealed_under != issuer.sealing.current


def _resealed(issuer: Issuer, client: Client) -> Client:
    sealing, about = issuer.sealing, client.client_id
    secrets = tuple(
        msgspec.structs.replace(
            secret,
            sealed=sealing.seal_text(
                sealing.unseal_text(secret.sealed, secret.sealed_under, about), about, issuer.randomness
            ),
            sealed_under=sealing.current,
        )
        if _is_outdated(issuer, secret)
        else secret
        for secret in client.secrets
    )
    changed: Client = msgspec.structs.replace(client, secrets=secrets)
    return changed
