"""One manifest: checked as the server would check it, and written again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from service.admin.errors import AdminError, InvalidInput
from service.admin.input import Input
from service.declared.kinds import API_VERSION, KINDS, MANAGED_BY, DeclaredKind

SECRET = "secret"
"""The member of ``spec`` that says where the secret of a client goes."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME = re.compile(_SUBDOMAIN)
_LONGEST_NAME = 253


class SecretPlace(Input):
    """Where the secret of a client goes: in Kubernetes the Secret of that name, elsewhere the file of that name."""

    name: Annotated[str, Field(max_length=253, pattern=f"^{_SUBDOMAIN}$")]
    client_id_key: Annotated[str, Field(max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = "client_id"
    client_secret_key: Annotated[str, Field(max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = "client_secret"


class ManifestError(AdminError):
    """A manifest, or several, with their faults: one a line, each with where it stands."""


@dataclass(frozen=True)
class Manifest:
    """What somebody declares of one client, resource or trusted issuer."""

    kind: DeclaredKind
    name: str
    """``metadata.name``."""
    members: Mapping[str, Any]
    """Every member that the kind has, as JSON has it, with its default where ``spec`` does not say it."""
    secret: SecretPlace | None = None
    origin: str = ""
    """Where it stands, for people: ``clients/web.yaml, document 2``."""

    @property
    def key(self) -> str:
        """By what the server knows it."""
        return str(self.members[self.kind.key])

    @property
    def identity(self) -> tuple[str, str]:
        """What no other manifest may be."""
        return self.kind.name, self.key


def parse_manifest(document: object, origin: str = "") -> Manifest:
    """Check a document.

    Args:
        document: As YAML or JSON was read.
        origin: Where it stands, for people.

    Raises:
        ManifestError: It is none; every fault, with its path.
    """
    before = f"{origin}: " if origin else ""
    if not isinstance(document, Mapping):
        raise ManifestError(f"{before}is no object with apiVersion, kind, metadata and spec")
    faults = [*_faults_of_form(document)]
    if faults:
        raise ManifestError("\n".join(before + fault for fault in faults))
    kind, name = KINDS[document["kind"]], document["metadata"]["name"]
    spec = dict(document["spec"])
    place = spec.pop(SECRET, None) if kind.has_secret else None
    if kind.name_is_key:
        spec.setdefault(kind.key, name)
    try:
        if MANAGED_BY in spec:
            raise InvalidInput(f"{MANAGED_BY}: is not for manifests")
        checked = kind.create.input.read(spec).model_dump(mode="json")
        secret = _read_place(place)
    except InvalidInput as error:
        lines = str(error).split("\n")
        raise ManifestError("\n".join(f"{before}spec.{line}" for line in lines)) from error
    members = {member: checked[member] for member in kind.members}
    return Manifest(kind, name, members, secret, origin)


def _read_place(place: object) -> SecretPlace | None:
    if place is None:
        return None
    if not isinstance(place, Mapping):
        raise InvalidInput(f"{SECRET}: must be an object with name")
    try:
        return SecretPlace.read(place)
    except InvalidInput as error:
        raise InvalidInput("\n".join(f"{SECRET}.{line}" for line in str(error).split("\n"))) from error


def _faults_of_form(document: Mapping[Any, Any]) -> Iterator[str]:
    """What is wrong before the kind can be asked."""
    if document.get("apiVersion") != API_VERSION:
        yield f"apiVersion: must be {API_VERSION}"
    if not isinstance(document.get("kind"), str) or document["kind"] not in KINDS:
        yield f"kind: must be one of {', '.join(KINDS)}"
    for unknown in document.keys() - set(_TOP):
        yield f"{unknown}: there is no such member beside {', '.join(_TOP[:4])}"
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        yield (
            "metadata.name: must be 1 to 253 lower case letters, digits, '-' and '.', as Kubernetes has it; what the server "
            "is to call it may be another name, in spec"
        )
    if not isinstance(document.get("spec"), Mapping):
        yield "spec: must be an object"


def manifest_of(kind: DeclaredKind, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of what the server has: members that are not as by default, and no secret.

    Args:
        kind: What it is.
        shown: The output of the kind's ``show``.
    """
    key = str(shown[kind.key])
    name = _name_for(key)
    fields = kind.create.input.model_fields
    defaults = kind.create.input.model_construct().model_dump(mode="json", include=set(kind.members))
    spec = {
        member: shown[member]
        for member in kind.members
        if (fields[member].is_required() and not (kind.name_is_key and name == key))
        or (not fields[member].is_required() and shown[member] != defaults[member])
    }
    return {"apiVersion": API_VERSION, "kind": kind.name, "metadata": {"name": name}, "spec": spec}


def _name_for(key: str) -> str:
    """A name that Kubernetes takes, near what the server calls it."""
    near = re.sub(r"[^a-z0-9.]+", "-", key.lower().removeprefix("https://"))
    near = re.sub(r"-*\.[-.]*", ".", near)[:_LONGEST_NAME]
    return near.strip("-.") or "unnamed"
