"""Reading a manifest, with the checks of the server, and writing one."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from service.admin.errors import AdminError, InvalidInput
from service.admin.input import Input
from service.declared.kinds import API_VERSION, KINDS, NOT_DECLARED, DeclaredKind

SECRET = "secret"
"""The member of ``spec`` that names the place for the secret of a client."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME = re.compile(_SUBDOMAIN)
_LONGEST_NAME = 253


class SecretPlace(Input):
    """The place for the secret of a client: in Kubernetes the Secret of that name, elsewhere the file of that name."""

    name: Annotated[str, Field(max_length=253, pattern=f"^{_SUBDOMAIN}$")]
    client_id_key: Annotated[str, Field(max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = "client_id"
    client_secret_key: Annotated[str, Field(max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = "client_secret"


class ManifestError(AdminError):
    """Manifests are invalid. The text has one fault a line, each with its place."""


@dataclass(frozen=True)
class Manifest:
    """The declaration of one client, resource or trusted issuer."""

    kind: DeclaredKind
    name: str
    """``metadata.name``."""
    members: Mapping[str, Any]
    """Every member of the kind, as in JSON, with its default where ``spec`` leaves it out."""
    secret: SecretPlace | None = None
    origin: str = ""
    """Its place, for messages: ``clients/web.yaml, document 2``."""

    @property
    def key(self) -> str:
        """Its identifier on the server."""
        return str(self.members[self.kind.key])

    @property
    def identity(self) -> tuple[str, str]:
        """Its kind and key, which no other manifest may have."""
        return self.kind.name, self.key


def parse_manifest(document: object, origin: str = "") -> Manifest:
    """Return the manifest of a document.

    Args:
        document: The document as read from YAML or JSON.
        origin: Its place, for messages.

    Raises:
        ManifestError: It is no valid manifest. It has every fault, with its path.
    """
    before = f"{origin}: " if origin else ""
    if not isinstance(document, Mapping):
        raise ManifestError(f"{before}is no object with apiVersion, kind, metadata and spec")
    faults = [*_faults_of_form(document)]
    kind, spec = _kind_of(document), document.get("spec")
    if kind is None or not isinstance(spec, Mapping):
        raise ManifestError("\n".join(before + fault for fault in faults))
    name = _metadata_name(document)
    try:
        members, secret = _read_spec(kind, name or "unnamed", spec)
    except InvalidInput as error:
        faults += [f"spec.{line}" for line in str(error).split("\n")]
    if faults:
        raise ManifestError("\n".join(before + fault for fault in faults))
    return Manifest(kind, name, members, secret, origin)


def _read_spec(kind: DeclaredKind, name: str, spec: Mapping[Any, Any]) -> tuple[Mapping[str, Any], SecretPlace | None]:
    """Return every member of the kind, and the place for the secret. Raises InvalidInput with every fault."""
    said = {member: value for member, value in spec.items() if member not in NOT_DECLARED}
    faults = [f"{member}: is not for manifests" for member in NOT_DECLARED if member in spec]
    place, checked, secret = said.pop(SECRET, None) if kind.has_secret else None, {}, None
    if kind.name_is_key:
        said.setdefault(kind.key, name)
    try:
        checked = kind.create.input.read(said).model_dump(mode="json")
    except InvalidInput as error:
        faults.append(str(error))
    try:
        secret = _read_place(place)
    except InvalidInput as error:
        faults.append(str(error))
    if faults:
        raise InvalidInput("\n".join(faults))
    return {member: checked[member] for member in kind.members}, secret


def _read_place(place: object) -> SecretPlace | None:
    if place is None:
        return None
    if not isinstance(place, Mapping):
        raise InvalidInput(f"{SECRET}: must be an object with name, where the secret goes: no secret is in a manifest")
    try:
        return SecretPlace.read(place)
    except InvalidInput as error:
        raise InvalidInput("\n".join(f"{SECRET}.{line}" for line in str(error).split("\n"))) from error


def _kind_of(document: Mapping[Any, Any]) -> DeclaredKind | None:
    name = document.get("kind")
    return KINDS.get(name) if isinstance(name, str) else None


def _metadata_name(document: Mapping[Any, Any]) -> str:
    """Return ``metadata.name``; "" where Kubernetes would not accept it."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name if isinstance(name, str) and len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) else ""


def _name_as_read(document: Mapping[Any, Any]) -> str:
    """Return a hint where YAML read a name without quotes as a number, a date or a boolean."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    is_no_text = name is not None and not isinstance(name, str | list | Mapping)
    return f" (it was read as the {type(name).__name__} {name}: put it in quotes)" if is_no_text else ""


def _faults_of_form(document: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the faults outside of ``spec``."""
    if document.get("apiVersion") != API_VERSION:
        yield f"apiVersion: must be {API_VERSION}"
    if _kind_of(document) is None:
        yield f"kind: must be one of {', '.join(KINDS)}"
    for unknown in document.keys() - set(_TOP):
        yield f"{unknown}: there is no such member beside {', '.join(_TOP[:4])}"
    if not _metadata_name(document):
        yield (
            "metadata.name: must be 1 to 253 lower case letters, digits, '-' and '.', as Kubernetes has it; what the server "
            f"is to call it may be another name, in spec{_name_as_read(document)}"
        )
    if not isinstance(document.get("spec"), Mapping):
        yield "spec: must be an object"


def manifests_of(kind: DeclaredKind, shown: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the manifests of records, each with its own ``metadata.name``; see ``manifest_of``."""
    found = {str(one[kind.key]): one for one in shown}
    taken = {key for key in found if _name_for(key) == key}
    manifests = []
    for key, one in found.items():
        name = _name_for(key)
        if name != key:
            name = _free_name(name, taken)
            taken.add(name)
        manifests.append(manifest_of(kind, one, name))
    return manifests


def _free_name(near: str, taken: Set[str]) -> str:
    endings = ("", *(f"-{number}" for number in range(2, len(taken) + 2)))
    names = (near[: _LONGEST_NAME - len(ending)].rstrip("-.") + ending for ending in endings)
    return next(name for name in names if name not in taken)


def manifest_of(kind: DeclaredKind, shown: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """Return the manifest of a record, with the members that differ from their defaults, and without a secret.

    Args:
        kind: The kind of the record.
        shown: The output of the kind's ``show``.
        name: ``metadata.name``; "": derived from its key.
    """
    key = str(shown[kind.key])
    name = name or _name_for(key)
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
    """Return a name that Kubernetes accepts, close to the key."""
    near = re.sub(r"[^a-z0-9.]+", "-", key.lower().removeprefix("https://"))
    near = re.sub(r"-*\.[-.]*", ".", near)[:_LONGEST_NAME]
    return near.strip("-.") or "unnamed"
