"""The changes after which the server is as its manifests declare."""

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
    """The kinds of changes."""

    CREATE = "create"
    UPDATE = "update"
    NOTHING = "nothing"
    FOREIGN = "foreign"
    """It has another owner, or was made by hand: it is not touched."""
    END = "end"


class Difference(NamedTuple):
    """A member that differs from the manifest; both values as in JSON."""

    now: Any
    declared: Any


@dataclass(frozen=True)
class Change:
    """The change of one client, resource or trusted issuer."""

    act: DeclaredAct
    kind: DeclaredKind
    key: str
    """Its identifier on the server."""
    name: str = ""
    """``metadata.name``; "" where it is no longer declared."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """All its members as declared."""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    """The differences by member; for one that is to be created, its members without default values."""
    needs_secret: bool = False
    """Whether it exists without the secret that its authentication method needs."""
    secret: SecretPlace | None = None
    managed_by: str = ""
    """The owner of one that is foreign or ends; "" where it has none."""
    etag: str = ""
    """The entity tag of one that ends: it is left alone if it has changed since. "": it is ended in any state."""


async def compare(do: Do, manifest: Manifest, managed_by: str, *, adopts: bool = False) -> Change:
    """Compare a manifest with the record of the server.

    Args:
        do: Performs operations.
        manifest: The manifest.
        managed_by: The owner of the manifest, which marks its records.
        adopts: Whether a record without an owner becomes this owner's.

    Raises:
        AdminError: The server would refuse it.
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
    """Return the changes that end what an owner made and no longer declares: clients first.

    Args:
        do: Performs operations.
        managed_by: The owner.
        manifests: All manifests of the owner.
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
    """Return all records of a kind; a scan may return one twice."""
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
    """Return the server's description of a record; None where there is none."""
    try:
        return await do(kind.show, {kind.key: key})
    except NotFound:
        return None


def _defaults(kind: DeclaredKind) -> dict[str, Any]:
    fields = kind.create.input.model_fields
    optional = {name for name, one in fields.items() if not one.is_required()}
    return kind.create.input.model_construct().model_dump(mode="json", include=optional)
