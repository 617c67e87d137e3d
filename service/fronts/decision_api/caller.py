"""Authentication of callers: an API key and its secret, by HTTP Basic or as Bearer token, compared in constant time."""

import binascii
import hmac
import logging
from base64 import b64decode

from service.directory import network_of
from service.fronts.decision_api.call import CallError
from service.fronts.decision_api.result_codes import ResultCode
from service.issuer import Issuer
from service.observe.events import Event
from service.store.failures import Limit

log = logging.getLogger(__name__)

_CHALLENGE = 'Basic realm="mintmark decision API", charset="UTF-8", Bearer realm="mintmark decision API"'
_MAX_HEADER = 4096
"""The most characters of the Authorization header."""


async def caller_of(issuer: Issuer, authorization: str, service_id: str, address: str) -> str:
    """Return the API key of the caller.

    Wrong credentials are counted by address, which delays guessing and warns operators; a caller with the right secret is
    never blocked.

    Args:
        issuer: The issuer.
        authorization: The Authorization header.
        service_id: The id in the path, which must be the API key; "" where there is none.
        address: The IP address of the caller.

    Raises:
        CallError: The credentials are wrong (401), or there were too many wrong ones (429).
        TemporarilyUnavailable: Redis cannot be reached.
    """
    name = _proved(issuer, authorization[:_MAX_HEADER], service_id)
    if name:
        return name
    limit = Limit.of(issuer.settings, issuer.settings.client_failures_allowed)
    wait = await issuer.store.failures.count(f"decision-api@{network_of(address)}", limit)
    log.warning(Event.DECISION_API_REFUSED, extra={"address": address, "blocked_for_seconds": wait})
    if wait:
        issuer.metrics.security_event(Event.DECISION_API_BLOCKED)
        raise CallError(ResultCode.TOO_MANY_FAILURES, status=429, headers={"Retry-After": str(wait)})
    raise CallError(ResultCode.WRONG_CREDENTIALS, status=401, headers={"WWW-Authenticate": _CHALLENGE})


def _proved(issuer: Issuer, authorization: str, service_id: str) -> str:
    """Return the API key of the secret, "" for a wrong one. All keys are compared."""
    scheme, _, shown = authorization.partition(" ")
    key, secret = "", ""
    if scheme.lower() == "bearer":
        key, secret = service_id, shown.strip()
    elif scheme.lower() == "basic":
        key, secret = _basic(shown)
    found = ""
    for name, kept in issuer.settings.decision_api_keys.items():
        matches = hmac.compare_digest(kept.get_secret_value().encode(), secret.encode("utf-8", "replace"))
        if matches and key in (name, "") and service_id in (name, ""):
            found = name
    return found if key or scheme.lower() == "bearer" else ""


def _basic(encoded: str) -> tuple[str, str]:
    try:
        key, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return key, secret
