"""Applying many manifests: all are compared before anything is changed, and one that fails does not stop the others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from service.admin.errors import AdminError
from service.admin.operations import Do, clients
from service.client_auth import has_secret
from service.declared.changes import Change, DeclaredAct, compare, no_longer_declared
from service.declared.kinds import KINDS, DeclaredKind
from service.declared.manifest import Manifest
from service.declared.performing import perform_change
from service.protocol.names import ClientAuthMethod, HmacAlgorithm

_ORDER = tuple(KINDS)
_SECRET_BYTES = 32


@dataclass
class AppliedObject:
    """A client, resource or trusted issuer with its change, and the outcome."""

    kind: DeclaredKind
    key: str
    """Its identifier on the server."""
    change: Change | None = None
    """None where the server would refuse it."""
    error: str = ""
    """The reason why the change cannot be made, or was not."""
    is_done: bool = False
    has_ended: bool = False
    """Whether the change has ended all that the client was issued."""
    secret: str | None = None
    """The secret in clear, made before the client is. The server never shows it again."""
    resumes: bool = False
    """Whether an interrupted apply made the secret: the client has a secret, perhaps this one."""

    @property
    def is_to_be_done(self) -> bool:
        """Whether the server differs from the manifest, and the change is allowed."""
        return self.change is not None and self.change.act not in (DeclaredAct.NOTHING, DeclaredAct.FOREIGN)

    @property
    def ends(self) -> bool:
        """Whether it is no longer declared, and is to be ended."""
        return self.change is not None and self.change.act is DeclaredAct.END

    @property
    def gets_secret(self) -> bool:
        """Whether the change gives the client a secret."""
        if self.change is None:
            return False
        is_made = self.change.act is DeclaredAct.CREATE
        method = self.change.members.get("auth_method", "none")
        return self.resumes or self.change.needs_secret or (is_made and has_secret(method))

    @property
    def secret_bytes(self) -> int:
        """The number of random bytes of its secret: more where the client signs with it."""
        members = self.change.members if self.change else {}
        if members.get("auth_method") != ClientAuthMethod.CLIENT_SECRET_JWT:
            return _SECRET_BYTES
        return HmacAlgorithm(members.get("token_endpoint_auth_signing_alg") or HmacAlgorithm.HS256).bytes


async def compare_all(
    do: Do, manifests: Iterable[Manifest], managed_by: str, *, prunes: bool = False, adopts: bool = False
) -> list[AppliedObject]:
    """Compare all manifests with the server. Return them in the order of creation, then what is no longer declared.

    Args:
        do: Performs operations.
        manifests: All that is declared.
        managed_by: The owner of the manifests.
        prunes: Whether to end records of this owner that are no longer declared.
        adopts: Whether declared records without an owner become this owner's.
    """
    manifests = sorted(manifests, key=lambda one: _ORDER.index(one.kind.name))
    objects = [await _compared(do, manifest, managed_by, adopts=adopts) for manifest in manifests]
    ended = await no_longer_declared(do, managed_by, manifests) if prunes else ()
    return objects + [AppliedObject(change.kind, change.key, change) for change in ended]


async def _compared(do: Do, manifest: Manifest, managed_by: str, *, adopts: bool) -> AppliedObject:
    found = AppliedObject(manifest.kind, manifest.key)
    try:
        found.change = await compare(do, manifest, managed_by, adopts=adopts)
    except AdminError as error:
        found.error = str(error)
        return found
    if found.change.act is DeclaredAct.FOREIGN:
        found.error = _foreign(found.change)
    return found


def _foreign(change: Change) -> str:
    if change.managed_by:
        return f"is managed by {change.managed_by}, which must release it first"
    return (
        f"was made by hand, or its name is that of another {change.kind.noun}; --adopt takes over what was made by hand"
    )


def hold_back_ends(objects: Iterable[AppliedObject]) -> None:
    """Let nothing end where another change is refused, as that may be the replacement of what ends."""
    objects = list(objects)
    if not any(one.error and not one.ends for one in objects):
        return
    for one in objects:
        if one.ends and not one.is_done:
            one.error = one.error or "is left as it is as long as anything is refused"


async def perform_all(do: Do, objects: Iterable[AppliedObject], keep_secret: Callable[[AppliedObject], None]) -> None:
    """Make the changes, one after the other; nothing ends where another change was refused.

    Args:
        do: Performs operations.
        objects: All that ``compare_all`` returned, with the secrets that they are to have. The outcome of each is written into
            it. Objects with an error are skipped.
        keep_secret: Called as soon as the service has stored the secret of an object, before the next object is changed.

    Raises:
        TemporarilyUnavailable: Redis or the service became unavailable; the remaining changes are not made.
    """
    objects = list(objects)
    for one in objects:
        if one.ends:
            hold_back_ends(objects)
        if one.change is None or one.error or not one.is_to_be_done:
            continue
        try:
            await _perform(do, one, one.change)
        except AdminError as error:
            one.error, one.secret = str(error), None
            continue
        except BaseException:  # also a Control-C
            one.error = "no answer came: it is done or not; apply again"
            raise
        one.is_done = True
        if one.secret:
            keep_secret(one)


async def _perform(do: Do, one: AppliedObject, change: Change) -> None:
    performed = await perform_change(do, change, one.secret)
    one.secret, one.has_ended = one.secret or performed.secret, performed.has_ended
    if one.resumes:  # where the client has another secret, that one stays valid too
        await do(clients.ROTATE_SECRET, {change.kind.key: change.key, "secret": one.secret, "keep_old": True})
