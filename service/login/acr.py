"""Authentication context classes: which ones the methods of a session reach, and what is missing for one that is wanted."""

from collections.abc import Collection, Sequence

from service.protocol.authorization_request import AuthorizationRequest
from service.records.session import Session
from service.settings import Settings

NOTHING: frozenset[str] = frozenset()


def reached_acrs(settings: Settings, amr: Collection[str]) -> list[str]:
    """Return every class that these authentication methods (RFC 8176) reach: by the table, the strongest first."""
    held = set(amr)
    by_table = (rule.acr for rule in settings.acr_by_amr if any(set(methods.split()) <= held for methods in rule.amr))
    return [*by_table, settings.acr]


def acr_of(settings: Settings, amr: Collection[str]) -> str:
    """Return the strongest class that these authentication methods reach."""
    return reached_acrs(settings, amr)[0]


def offered_acrs(settings: Settings) -> list[str]:
    """Return every class that a session may have, the strongest first (``acr_values_supported``)."""
    return list(dict.fromkeys([*(rule.acr for rule in settings.acr_by_amr), settings.acr]))


def wanted_acrs(request: AuthorizationRequest) -> tuple[str, ...]:
    """Return the classes that are good enough for the client, its favourite first; none means that any is."""
    acr = request.claims.id_token.get("acr")
    named = tuple(value for value in acr.values if isinstance(value, str)) if acr else ()
    return named or request.acr_values


def is_essential(request: AuthorizationRequest) -> bool:
    """Whether one of these classes is a condition, not a wish (OpenID Connect Core 5.5.1.1)."""
    acr = request.claims.id_token.get("acr")
    return acr is not None and acr.essential and bool(acr.values)


def acr_for(settings: Settings, request: AuthorizationRequest, session: Session) -> str | None:
    """Return the class for the tokens: a wanted one that the session reaches; None where an essential one is missed.

    A resource server that wants a class demands it by name, and not a stronger one (RFC 9470 section 4).
    """
    reached = {session.acr, *reached_acrs(settings, session.amr)}
    if named := next((one for one in wanted_acrs(request) if one in reached), None):
        return named
    acr = request.claims.id_token.get("acr")
    return None if acr is not None and acr.essential and not acr.accepts(session.acr) else session.acr


def missing_methods(
    settings: Settings, wanted: Sequence[str], session: Session | None, provable: Collection[str]
) -> frozenset[str] | None:
    """Return the methods by which a session can be strengthened to reach one of these classes.

    Args:
        settings: They have the table.
        wanted: The classes, the client's favourite first. Any that is reached is good enough.
        session: The session of the signed-in user, if there is one.
        provable: The methods for which there are steps.

    Returns:
        None where none of them can be reached.
    """
    held = set(session.amr) if session else set()
    if {*reached_acrs(settings, held), session.acr if session else ""} & set(wanted):
        return NOTHING
    for one in wanted:
        for methods in (set(line.split()) for rule in settings.acr_by_amr if rule.acr == one for line in rule.amr):
            if methods <= held | set(provable):
                return frozenset(methods - held)
    return None
