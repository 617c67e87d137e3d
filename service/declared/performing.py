"""Carrying a change out."""

from typing import Any, NamedTuple

from service.admin.errors import AlreadyExists, NotFound, Outdated
from service.admin.operations import Do, clients
from service.client_auth import has_secret
from service.declared.changes import Change, DeclaredAct, shown_of
from service.declared.kinds import MANAGED_BY


class Performed(NamedTuple):
    """What came of it."""

    shown: dict[str, Any] | None
    """As the server has it now; None where it has ended or nothing was done."""
    secret: str | None = None
    """In clear, only here and only now: the secret of a client that was made, or that had none."""
    was_imported: bool = False
    """Whether the client has the secret that was given, of now."""


async def perform_change(do: Do, change: Change, secret: str | None = None) -> Performed:
    """Do what is to be done, and nothing where it is another's.

    Args:
        do: Performs operations.
        change: As ``compare`` or ``no_longer_declared`` returned it.
        secret: Where the client has none and needs one, it gets this one; None: one is made.

    Raises:
        AdminError: The server refuses it, or it was made or ended meanwhile.
    """
    match change.act:
        case DeclaredAct.CREATE:
            if change.kind.is_put and await shown_of(do, change.kind, change.key):  # whose place it would take
                raise AlreadyExists(f"the {change.kind.noun} was created by another caller meanwhile")
            made = await do(change.kind.create, {**change.members, **_imported(secret)})
            return Performed(made, made.pop("client_secret", None), secret is not None)
        case DeclaredAct.UPDATE:
            return await _update(do, change, secret)
        case DeclaredAct.END:
            await _end(do, change)
    return Performed(None)


async def _update(do: Do, change: Change, secret: str | None) -> Performed:
    kind = change.kind
    changed = change.members if kind.is_put else {name: one.declared for name, one in change.differences.items()}
    given = {**changed, kind.key: change.key}
    shown = await do(kind.update, given) if changed else await do(kind.show, {kind.key: change.key})
    if "secrets" not in shown or shown["secrets"] or not has_secret(shown["auth_method"]):
        return Performed(shown)
    new = await do(clients.ROTATE_SECRET, {kind.key: change.key, **_imported(secret)})
    return Performed(new, new.pop("client_secret", None), secret is not None)


def _imported(secret: str | None) -> dict[str, str]:
    return {} if secret is None else {"secret": secret}


async def _end(do: Do, change: Change) -> None:
    """What is gone already is what was wanted; what another has taken over or changed meanwhile is left alone."""
    now = await shown_of(do, change.kind, change.key)
    if now is not None and (now[MANAGED_BY] != change.managed_by or str(now[change.kind.key]) != change.key):
        raise Outdated(f"is managed by {now[MANAGED_BY] or 'nobody'} meanwhile: it is left alone")
    seen = change.etag or (now or {}).get("etag")  # a service of before has none
    named = {change.kind.key: change.key, **({"if_match": seen} if seen else {})}
    try:
        if change.kind.end is clients.DELETE:
            await clients.end_and_sweep(do, clients.DELETE, named)
        else:
            await do(change.kind.end, named)
    except NotFound:
        return
    except Outdated as error:
        raise Outdated("was changed by another caller meanwhile: it is left alone; apply again to end it") from error
