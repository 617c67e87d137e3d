"""The kinds of manifests, each with the operations that create, update and end its records."""

from dataclasses import dataclass

from service.admin.operations import AnyOperation, clients, resources, trusts

GROUP = "mintmark.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
MANAGED_BY = "managed_by"
"""The member of a record that names its owner; manifests do not have it."""
NOT_DECLARED = (MANAGED_BY, "if_match")
"""Members of inputs that a manifest must not have."""
_SECRET = "secret"
_ELSEWHERE = (*NOT_DECLARED, _SECRET)
"""Members of the input of a creation that are not in a manifest."""


@dataclass(frozen=True)
class DeclaredKind:
    """A kind of manifest."""

    name: str
    """``kind`` in a manifest."""
    noun: str
    key: str
    """The member of ``spec`` that is its identifier on the server."""
    create: AnyOperation
    update: AnyOperation
    show: AnyOperation
    end: AnyOperation
    list: AnyOperation
    preview: AnyOperation | None = None
    """Returns the record that the server would make, where it adds to the members of the manifest."""
    is_put: bool = False
    """Whether an update has all members, not only those that change."""
    name_is_key: bool = False
    """Whether ``metadata.name`` is its key where ``spec`` has none."""

    @property
    def members(self) -> tuple[str, ...]:
        """The members that ``spec`` may have."""
        return tuple(name for name in self.create.input.model_fields if name not in _ELSEWHERE)

    @property
    def has_secret(self) -> bool:
        """Whether objects of this kind may have a secret."""
        return _SECRET in self.create.input.model_fields


KINDS = {
    kind.name: kind
    for kind in (
        DeclaredKind(
            name="TrustedIssuer",
            noun="trusted issuer",
            key="issuer",
            create=trusts.PUT,
            update=trusts.PUT,
            show=trusts.SHOW,
            end=trusts.REMOVE,
            list=trusts.LIST,
            is_put=True,
        ),
        DeclaredKind(
            name="OAuth2Resource",
            noun="resource",
            key="resource",
            create=resources.CREATE,
            update=resources.UPDATE,
            show=resources.SHOW,
            end=resources.DELETE,
            list=resources.LIST,
        ),
        DeclaredKind(
            name="OAuth2Client",
            noun="client",
            key="client_id",
            create=clients.CREATE,
            update=clients.UPDATE,
            show=clients.SHOW,
            end=clients.DELETE,
            list=clients.LIST,
            preview=clients.PREVIEW,
            name_is_key=True,
        ),
    )
}
"""Every kind by its name, in the order of creation, as clients refer to the others. They end in reverse order."""
