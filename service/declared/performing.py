"""Making one change on the server."""

from typing import Any, NamedTuple

from service.admin.errors import AlreadyExists, NotFound, Outdated
from service.admin.operations import Do, clients
from service.client_auth import has_secret
from service.declared.changes import Change, DeclaredAct, shown_of
from service.declared.kinds import MANAGED_BY


class Performed(NamedTuple):
    """The outcome of a change."""

    shown: dict[str, Any] | None
    """The record as the server has it now; None where it has ended or nothing was done."""
    secret: str | None = None
    """The new secret in clear, of a client that was created or had none. The server never shows it again."""
    was_imported: bool = False
    """Whether the secret that was passed in is now the client's."""
    has_ended: bool = False
    """Whether the change has ended all that the client was issued."""


async def perform_change(do: Do, change: Change, secret: str | None = None) -> Performed:
    """Make a change; do nothing where the record is foreign.

    Args:
        do: Performs operations.
        change: Returned by ``compare`` or ``no_longer_declared``.
        secret: The secret for a client that needs one and has none; None: the server makes one.

    Raises:
        AdminError: The server refuses the change, or the record was created, changed or ended meanwhile.
    """
    match change.act:
        case DeclaredAct.CREATE:
            if change.kind.is_put and await shown_of(do, change.kind, change.key):  # PUT would replace it
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
    if changed:
        shown = await clients.end_and_sweep(do, kind.update, given)
    else:
        shown = await do(kind.show, {kind.key: change.key})
    has_ended = shown.pop("ended", False)
    if "secrets" not in shown or shown["secrets"] or not has_secret(shown["auth_method"]):
        return Performed(shown, has_ended=has_ended)
    new = await do(clients.ROTATE_SECRET, {kind.key: change.key, **_imported(secret)})
    return Performed(new, new.pop("client_secret", None), secret is not None, has_ended)


def _imported(secret: str | None) -> dict[str, str]:
    return {} if secret is None else {"secret": secret}


async def _end(do: Do, change: Change) -> None:
    """End a record; one that has ended already is fine. Raises Outdated where its owner or content changed meanwhile."""
    now = await shown_of(do, change.kind, change.key)
    if now is not None and (now[MANAGED_BY] != change.managed_by or str(now[change.kind.key]) != change.key):
        raise Outdated(f"is managed by {now[MANAGED_BY] or 'nobody'} meanwhile: it is left alone")
    seen = change.etag or (now or {}).get("etag")  # an earlier version of the service sends none
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
