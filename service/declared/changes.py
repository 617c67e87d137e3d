"""What is to be done so that the server has what manifests say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from service.admin.errors import NotFound
from service.admin.operations import Do
from service.client_auth import has_secret
from service.declared.kinds import KINDS, MANAGED_BY, DeclaredKind
from service.declared.manifest import Manifest, SecretPlace

_PAGE = 500


class DeclaredAct(StrEnum):
    """What is to be done with one of them."""

    CREATE = "create"
    UPDATE = "update"
    NOTHING = "nothing"
    FOREIGN = "foreign"
    """Somebody else made it: it is not touched."""
    END = "end"


class Difference(NamedTuple):
    """A member that is not as it is declared; both as JSON has them."""

    now: Any
    declared: Any


@dataclass(frozen=True)
class Change:
    """What is to be done with one client, resource or trusted issuer."""

    act: DeclaredAct
    kind: DeclaredKind
    key: str
    """By what the server knows it."""
    name: str = ""
    """``metadata.name``; "" of what is no longer declared."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """What it is to be, whole."""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    """By member; of one that is to be made those that are not as by default."""
    needs_secret: bool = False
    """Whether it is there, and has no secret though its method needs one."""
    secret: SecretPlace | None = None
    managed_by: str = ""
    """Of one that is another's or that ends, whose it is; "" if nobody declares it."""
    etag: str = ""
    """Of one that ends, as it was seen: changed since, it stays. "" = whatever it is."""


async def compare(do: Do, manifest: Manifest, managed_by: str, *, adopts: bool = False) -> Change:
    """Compare what is declared with what the server has.

    Args:
        do: Performs operations.
        manifest: What is declared.
        managed_by: Who declares it: the mark of what is theirs.
        adopts: Whether what nobody declares becomes theirs.

    Raises:
        AdminError: The server would not take it.
    """
    kind = manifest.kind
    described = {**manifest.members, MANAGED_BY: managed_by}
    now = await shown_of(do, kind, manifest.key)
    holder = (now or {}).get(MANAGED_BY) or ""
    change = Change(
        DeclaredAct.FOREIGN, kind, manifest.key, manifest.name, described, {}, False, manifest.secret, holder
    )
    if now is not None and (str(now[kind.key]) != manifest.key or (holder != managed_by and (holder or not adopts))):
        return change
    wanted = await do(kind.preview, described) if kind.preview else described
    wanted = {member: wanted[member] for member in described}
    before = now if now is not None else _defaults(kind)
    differences = {
        member: Difference(before[member], wanted[member])
        for member in wanted
        if member != kind.key and before[member] != wanted[member]
    }
    lacks_secret = now is not None and "auth_method" in wanted and has_secret(wanted["auth_method"])
    needs_secret = lacks_secret and not (now or {})["secrets"]
    act = (
        DeclaredAct.CREATE
        if now is None
        else DeclaredAct.UPDATE
        if differences or needs_secret
        else DeclaredAct.NOTHING
    )
    return Change(act, kind, manifest.key, manifest.name, wanted, differences, needs_secret, manifest.secret)


async def no_longer_declared(do: Do, managed_by: str, manifests: Iterable[Manifest]) -> list[Change]:
    """Return what a source made and no longer declares, to be ended: clients first.

    Args:
        do: Performs operations.
        managed_by: Who made it.
        manifests: All that they declare.
    """
    declared = {manifest.identity for manifest in manifests}
    found = []
    for kind in reversed(KINDS.values()):
        held = {str(one[kind.key]): one for one in await list_all(do, kind) if one[MANAGED_BY] == managed_by}
        found += [
            Change(DeclaredAct.END, kind, key, managed_by=managed_by, etag=held[key].get("etag", ""))
            for key in sorted(held)
            if (kind.name, key) not in declared
        ]
    return found


async def list_all(do: Do, kind: DeclaredKind) -> Sequence[dict[str, Any]]:
    """Return all that the server has of a kind; a scan may meet one twice."""
    member = next(iter(kind.list.output.model_fields))
    has_pages = "cursor" in kind.list.input.model_fields
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await do(kind.list, {"cursor": cursor, "limit": _PAGE} if has_pages else {})
        found += page[member]
        cursor = page.get("cursor", "")
        if not cursor:
            return found


async def shown_of(do: Do, kind: DeclaredKind, key: str) -> dict[str, Any] | None:
    """Return what the server shows of it; None where there is none."""
    try:
        return await do(kind.show, {kind.key: key})
    except NotFound:
        return None


def _defaults(kind: DeclaredKind) -> dict[str, Any]:
    fields = kind.create.input.model_fields
    optional = {name for name, one in fields.items() if not one.is_required()}
    return kind.create.input.model_construct().model_dump(mode="json", include=optional)
