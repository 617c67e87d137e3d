"""Scopes and resources that clients may ask for: an operator's clients by their registration, others what is open to them."""

from collections.abc import Iterable, Mapping

from service.issuer import Issuer
from service.protocol.claims import SCOPE_CLAIMS
from service.protocol.errors import InvalidTarget
from service.protocol.names import OFFLINE_ACCESS, OPENID
from service.protocol.requested import Granted
from service.protocol.targets import as_registered
from service.records.client import Client

_NOTHING: Mapping[str, tuple[str, ...]] = {}


def open_resources(issuer: Issuer, client: Client) -> Mapping[str, tuple[str, ...]]:
    """Return scopes by resource, for the resources that a client may have besides its own because it registered itself."""
    if client.registration is None:
        return _NOTHING
    found = dict.fromkeys(issuer.settings.registration_audiences, ())
    return found | {name: one.scopes for name, one in issuer.store.resources.known.items() if one.self_registered}


def audiences_of(issuer: Issuer, client: Client) -> tuple[str, ...]:
    """Return the audiences that a client may ask for."""
    if client.registration is None:
        return client.audiences
    return tuple(dict.fromkeys((*client.audiences, *open_resources(issuer, client))))


def check_still_open(issuer: Issuer, client: Client, granted: Granted, further: tuple[str, ...] = ()) -> Granted:
    """Return what was granted earlier, if its resources are still open to the client. Raises InvalidTarget.

    ``further`` resources are open to the client here in any case.
    """
    if client.registration is not None and granted.audience:
        allowed = (*audiences_of(issuer, client), *further)
        for resource in granted.audience:
            if resource not in allowed:
                raise InvalidTarget(f"The resource {resource[:100]} is not open to this client any more.")
    return granted


def scopes_of(issuer: Issuer, client: Client, resources: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that a client may ask for at these resources."""
    if client.registration is None:
        return client.scopes
    there = open_resources(issuer, client)
    return client.scopes + tuple(
        scope for one in as_registered(resources, there) for scope in there.get(one, ()) if scope not in client.scopes
    )


def offered_scopes(issuer: Issuer) -> frozenset[str]:
    """Return every scope that discovery lists; a client that registered itself cannot know which of them it may have."""
    of_openid = (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS) if issuer.keyring is not None else ()
    at_resources = (scope for one in issuer.store.resources.known.values() for scope in one.scopes)
    return frozenset((*issuer.settings.scopes, *of_openid, *at_resources))


def lifetime_of(issuer: Issuer, client: Client, audience: Iterable[str]) -> int:
    """Return the lifetime in seconds of an access token of this client for these resources: the shortest of theirs."""
    known = issuer.store.resources.known
    limits = [one.access_token_lifetime for name in audience if (one := known.get(name)) and one.access_token_lifetime]
    own = client.access_token_lifetime
    return min([*limits, *([own] if own else [])]) if limits or own else issuer.settings.access_token_lifetime
