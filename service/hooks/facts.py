"""The facts that hooks get, never a credential among them. Subjects are our own, not the pairwise ones that clients know."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from service.records.backchannel_request import WaitingBackchannelRequest
from service.records.client import Client
from service.records.grant import Grant


class Revoked(StrEnum):
    """What was ended."""

    ACCESS_TOKEN = "access_token"
    GRANT = "grant"
    """A grant, and everything it issued."""
    USER = "user"
    """Every grant of a user, or those to one client."""
    CLIENT = "client"
    """Everything issued to a client."""
    SESSION = "session"
    """What was granted in a browser session."""
    EVERYTHING = "everything"
    """Everything that was ever issued, and every session."""


def about_token(
    client: Client, grant: Grant, grant_id: str, grant_type: str, scope: str, audience: tuple[str, ...], address: str
) -> dict[str, Any]:
    """Return the facts about tokens that are about to be made; times are epoch seconds.

    ``claims`` are those that clients and resource servers get anyway, by properties and in ID tokens.

    Args:
        client: Gets the tokens.
        grant: The grant that they belong to; its own grant type is ``begun_by``.
        grant_id: Of that grant.
        grant_type: Of the request.
        scope: Of the tokens.
        audience: Of the tokens.
        address: Of the token request; "" at the authorization endpoint.
    """
    properties = (*client.properties, *grant.properties)
    return {
        "grant_type": str(grant_type),
        "begun_by": grant.grant_type,
        "grant_id": grant_id,
        "client_id": client.client_id,
        "subject": grant.subject,
        "username": grant.name,
        "scope": scope,
        "audience": list(audience),
        "session_id": grant.session,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": list(grant.amr),
        "address": address,
        "claims": {
            **{
                member.name: member.value
                for member in properties
                if member.in_token_response or member.in_introspection
            },
            **grant.id_token_claims,
        },
    }


def about_exchange(
    client_id: str,
    grant: Grant,
    *,
    subject_token_type: str,
    subject_client_id: str,
    issued_token_type: str,
    actor: Mapping[str, Any] | None,
    scope: str,
    audience: Sequence[str],
    address: str,
) -> dict[str, Any]:
    """Return the facts about tokens that are to be exchanged.

    Args:
        client_id: Of the client that asks, and gets the new token.
        grant: Of the new token, as far as it is known.
        subject_token_type: The type of the exchanged token.
        subject_client_id: The client that it was issued to; "": a trusted issuer made it.
        issued_token_type: The type of the new token.
        actor: Who acts for the user (``act``), None for nobody.
        scope: Of the new token.
        audience: Of the new token.
        address: Of the request.
    """
    return {
        "client_id": client_id,
        "subject": grant.subject,
        "username": grant.name,
        "subject_token_type": str(subject_token_type),
        "subject_client_id": subject_client_id,
        "issued_token_type": str(issued_token_type),
        "actor": dict(actor) if actor else None,
        "scope": scope,
        "audience": list(audience),
        "acr": grant.acr,
        "auth_time": grant.auth_time,
        "address": address,
    }


def about_details(client_id: str, subject: str, details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the facts about authorization details that a client asks for; ``subject`` is "" until the user has signed in."""
    return {"client_id": client_id, "subject": subject, "authorization_details": list(details)}


def about_login(subject: str, username: str, address: str, *, how: str, client_id: str = "") -> dict[str, Any]:
    """Return the facts about a user whose password was right; ``how`` is ``browser`` or the grant type."""
    return {"subject": subject, "username": username, "address": address, "how": how, "client_id": client_id}


def about_backchannel(reference: str, waiting: WaitingBackchannelRequest, client_name: str) -> dict[str, Any]:
    """Return the facts about a CIBA request that waits for its user; nobody can poll for it by ``reference``."""
    request = waiting.request
    return {
        "ticket": reference,
        "client_id": request.client_id,
        "client_name": client_name,
        "subject": waiting.subject,
        "username": waiting.username,
        "binding_message": waiting.binding_message,
        "scope": request.scope,
        "audience": list(request.audience),
        "acr_values": list(request.acr_values),
        "max_age": request.max_age,
        "authorization_details": (request.members or {}).get("authorization_details", []),
        "ends_at": waiting.ends_at,
    }


def about_revoked(what: Revoked, reason: str, **about: object) -> dict[str, Any]:
    """Return the facts about something that has ended: the reason, in a word of ours, its owner and its name."""
    return {"what": what.value, "reason": reason, **{name: value for name, value in about.items() if value}}
