"""Manifests in files and folders: YAML with one or several documents, or JSON."""

import json
import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml  # type: ignore[import-untyped]

from service.declared.manifest import Manifest, ManifestError, parse_manifest
from service.settings.unique_yaml import UniqueLoader, fault_of, first_twice

STDIN = Path("-")
SUFFIXES = (".yaml", ".yml", ".json")
_LARGEST = 4 * 1024 * 1024
"""The most bytes of a file."""
_MOST_FILES = 10_000
_MOST_VALUES = 100_000
"""The most values of a document: a few lines of YAML whose aliases refer to each other would become billions."""


class _Document(NamedTuple):
    value: Any
    origin: str


class _Loader(UniqueLoader):
    """A loader that refuses duplicate names, and mappings that merge too much."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put merged mappings (``<<``) into a mapping, within a bound. Raises ConstructorError."""
        merged = [value for name, value in node.value if name.tag == "tag:yaml.org,2002:merge"]
        merged += [one for value in merged if isinstance(value, yaml.SequenceNode) for one in value.value]
        count = len(node.value)
        for one in merged:
            if isinstance(one, yaml.MappingNode):
                self.flatten_mapping(one)
                count += len(one.value)
            if count > _MOST_VALUES:
                raise yaml.constructor.ConstructorError(None, None, f"more than {_MOST_VALUES} values", node.start_mark)
        super().flatten_mapping(node)


def read_manifests(paths: Iterable[Path]) -> list[Manifest]:
    """Read all manifests of files, of folders and their subfolders, and of standard input (``-``).

    Raises:
        ManifestError: A file cannot be read, a document is no manifest, or something is declared twice. It has all faults,
            one a line.
    """
    found: dict[tuple[str, str], Manifest] = {}
    faults: list[str] = []
    for path in paths:
        try:
            files = list(_files(path))
        except ManifestError as error:
            faults.append(str(error))
            continue
        for file in files:
            try:
                documents = _documents(file)
            except ManifestError as error:
                faults.append(str(error))
                continue
            faults += _faults_of(documents, found)
    if not found and not faults:
        faults = [
            f"there is no manifest in {', '.join(map(str, paths))}: files that end in {', '.join(SUFFIXES)} are read"
        ]
    if faults:
        raise ManifestError("\n".join(faults))
    return list(found.values())


def _faults_of(documents: Iterable[_Document], found: dict[tuple[str, str], Manifest]) -> Iterator[str]:
    """Yield the faults of documents, and add the valid manifests to ``found``."""
    for document in documents:
        try:
            manifest = parse_manifest(document.value, document.origin)
        except ManifestError as error:
            yield str(error)
            continue
        first = found.setdefault(manifest.identity, manifest)
        if first is not manifest:
            yield f"{document.origin}: the {manifest.kind.noun} {manifest.key!r} is declared already, in {first.origin}"


def _files(path: Path) -> Iterator[Path]:
    """Return the files of a path, in the order of their names. Raises ManifestError."""
    if path == STDIN or path.is_file():
        yield path
        return
    if not path.is_dir():
        raise ManifestError(f"{path}: there is no such file or folder")
    below: list[Path] = []
    for one in _below(path):
        below.append(one)
        if len(below) > _MOST_FILES:
            raise ManifestError(f"{path}: has more than {_MOST_FILES} files")
    yield from sorted(below)


def _below(folder: Path) -> Iterator[Path]:
    """Return the files with the suffix of a manifest, also behind links.

    A folder that cannot be read is an error: objects that it declares could be pruned. Raises ManifestError.
    """

    def refuse(error: OSError) -> None:
        raise ManifestError(f"{error.filename}: cannot be read: {error.strerror or error}")

    seen: set[tuple[int, int]] = set()
    for within, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        status = os.stat(within)
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(within, name) for name in names if _is_meant(within, name))


def _is_meant(folder: str, name: str) -> bool:
    """Whether a file is read. One that cannot be, such as a dangling link, is included: reading it gives the reason."""
    path = os.path.join(folder, name)
    if name.startswith(".") or (os.path.exists(path) and not os.path.isfile(path)):
        return False
    return Path(name).suffix.lower() in SUFFIXES or not os.path.exists(path)


def _documents(path: Path) -> list[_Document]:
    """Return the documents of a file; those of a ``List``, as kubectl writes it, one by one. Raises ManifestError."""
    name = "standard input" if path == STDIN else str(path)
    try:
        content = _content(path)
        if len(content) > _LARGEST:
            raise ManifestError(f"{name}: is larger than {_LARGEST // 1024 // 1024} MiB: split it")
        is_json = path.suffix.lower() == ".json"
        values = [_read_json(content)] if is_json else list(yaml.load_all(content, _Loader))
    except OSError as error:
        raise ManifestError(f"{name}: cannot be read: {error.strerror or error}") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise ManifestError(f"{name}: cannot be read: {_in_one_line(error)}") from error
    documents = [
        _Document(value, name if len(values) == 1 else f"{name}, document {number}")
        for number, value in enumerate(values, 1)
        if value is not None
    ]
    for document in documents:
        if not _is_bounded(document.value):
            raise ManifestError(
                f"{document.origin}: has more than {_MOST_VALUES} values, aliases counted as what they stand for: split it"
            )
    return [one for document in documents for one in _each(document)]


def _read_json(content: bytes) -> object:
    """Read JSON strictly, without duplicate names. Raises ValueError."""
    content = content.removeprefix(BOM_UTF8)  # as editors of Windows write it
    orjson.loads(content)
    return json.loads(content, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"{first_twice([name for name, _ in pairs])} stands there twice")
    return members


def _content(path: Path) -> bytes:
    """Read a file, at most one byte more than is allowed."""
    if path == STDIN:
        return sys.stdin.read(_LARGEST + 1).encode()
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


def _each(document: _Document) -> Iterator[_Document]:
    value = document.value
    if not isinstance(value, Mapping) or value.get("kind") != "List" or not isinstance(value.get("items"), list):
        yield document
        return
    for number, item in enumerate(value["items"], 1):
        yield _Document(item, f"{document.origin}, item {number}")


def _is_bounded(value: object) -> bool:
    """Whether a document has at most ``_MOST_VALUES`` values, each counted as often as it occurs."""
    waiting, count = [value], 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > _MOST_VALUES:
            return False
        if isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return True


def _in_one_line(error: Exception) -> str:
    if isinstance(error, yaml.YAMLError):
        return fault_of(error)
    if isinstance(error, RecursionError):
        return "lists and objects in it are nested too deep"
    return " ".join(str(error).split())
