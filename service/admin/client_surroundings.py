"""Checks of client metadata that need the settings and the network.

These are whether its response types are offered here, whether there are keys for its signing algorithms, and which sector
its pairwise subjects belong to.
"""

import logging
from urllib.parse import urlsplit

import orjson

from service.admin.client_input import ClientInput
from service.admin.client_secrets import check_sealing
from service.admin.errors import InvalidInput
from service.issuer import Issuer
from service.observe.events import Event
from service.outbound.http_client import HttpClientError, Purpose
from service.protocol import sectors
from service.protocol.names import AccessTokenFormat, ClientAuthMethod, SubjectType

log = logging.getLogger(__name__)

_SIGNED_BY_US = (
    *("id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg"),
    "access_token_signing_alg",
    "authorization_signed_response_alg",
)


async def check_surroundings(issuer: Issuer, given: ClientInput, network: str = "") -> str:
    """Check a client against the settings and the documents that it names.

    Args:
        issuer: Ours.
        given: The client.
        network: The network from which it is registered openly, "" = by an operator.

    Returns:
        The sector that its pairwise subjects belong to (OpenID Connect Core 8.1, Dynamic Client Registration 5), or "".

    Raises:
        InvalidInput: Something is not offered here, or its sector document does not name its redirect URIs.
    """
    settings = issuer.settings
    if refused := [one.value for one in given.response_types if one not in settings.response_types]:
        raise InvalidInput(f"response_types: {', '.join(refused)}: not offered here (setting response_types)")
    mode = given.backchannel_token_delivery_mode
    if mode is not None and mode not in settings.backchannel_delivery_modes:
        raise InvalidInput(
            f"backchannel_token_delivery_mode: {mode.value} is not offered here (setting backchannel_delivery_modes)"
        )
    _check_algorithms(issuer, given)
    if given.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT:
        check_sealing(issuer)
    encrypts = given.request_object_encryption_alg
    if encrypts is not None and encrypts not in settings.encryption_algorithms:
        raise InvalidInput(
            f"request_object_encryption_alg: {encrypts.value} is not offered here (encryption_algorithms)"
        )
    if given.subject_type is SubjectType.PAIRWISE and settings.pairwise_salt is None:
        raise InvalidInput("subject_type: pairwise is not offered here (setting pairwise_salt)")
    if given.sector_identifier_uri:
        await _check_sector_document(issuer, given, network)
        return urlsplit(given.sector_identifier_uri).hostname or ""
    if given.subject_type is SubjectType.PUBLIC:
        return ""
    try:
        return sectors.sector_of(given.client_id, given.redirect_uris)
    except ValueError as error:
        raise InvalidInput(f"sector_identifier_uri: needed, since {error}") from error


def _check_algorithms(issuer: Issuer, given: ClientInput) -> None:
    signed = given.access_token_format not in (None, AccessTokenFormat.OPAQUE)
    if issuer.keyring is None:  # it signs nothing now; once it does, another algorithm can replace this one
        if signed:
            raise InvalidInput(
                "access_token_format: there is no key to sign with (settings master_key, signing_key_files)"
            )
        return
    for name in _SIGNED_BY_US:
        if (wanted := getattr(given, name)) and wanted not in issuer.keyring.algorithms:
            raise InvalidInput(f"{name}: there is no key for {wanted.value} here")


async def _check_sector_document(issuer: Issuer, given: ClientInput, network: str) -> None:
    """Check that the sector document lists every redirect URI of the client. Raises InvalidInput."""
    try:
        url = given.sector_identifier_uri or ""
        document = await issuer.http_client.get(url, Purpose.REGISTRATION, network=network)
        listed = orjson.loads(document.content)
    except (HttpClientError, ValueError) as error:
        # A client that registers itself must not learn about our network.
        log.info(Event.SECTOR_IDENTIFIER_UNAVAILABLE, extra={"client_id": given.client_id, "reason": str(error)[:200]})
        raise InvalidInput(
            "sector_identifier_uri: cannot be fetched, or is not JSON; it must be public and https"
        ) from error
    if not isinstance(listed, list) or not set(given.redirect_uris) <= {uri for uri in listed if isinstance(uri, str)}:
        raise InvalidInput("sector_identifier_uri: does not list every redirect URI of the client")
