"""The kinds of manifests: what each is on the server, and the operations that make, change and end it. One line a kind."""

from dataclasses import dataclass

from service.admin.operations import AnyOperation, clients, resources, trusts

GROUP = "mintmark.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
MANAGED_BY = "managed_by"
"""The member of a record that says who keeps it; no manifest says it."""
_SECRET = "secret"
_ELSEWHERE = (MANAGED_BY, _SECRET)
"""Members of the input of a creation that are not in a manifest."""


@dataclass(frozen=True)
class DeclaredKind:
    """A kind of manifest."""

    name: str
    """``kind`` in a manifest."""
    noun: str
    key: str
    """The member of ``spec`` by which the server knows it."""
    create: AnyOperation
    update: AnyOperation
    show: AnyOperation
    end: AnyOperation
    list: AnyOperation
    preview: AnyOperation | None = None
    """Says what the server would make of it, where that is more than what is described."""
    is_put: bool = False
    """Whether an update says all of it anew, not only what changes."""
    name_is_key: bool = False
    """Whether ``metadata.name`` is its key where ``spec`` does not say it."""

    @property
    def members(self) -> tuple[str, ...]:
        """What ``spec`` may say."""
        return tuple(name for name in self.create.input.model_fields if name not in _ELSEWHERE)

    @property
    def has_secret(self) -> bool:
        """Whether one may have a secret."""
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
"""Every kind by its name, in the order in which they are made: clients name the others. They end the other way round."""
