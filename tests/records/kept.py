"""Every record that Redis may hold, in full and at its least: ``python -m tests.records.kept 1.2.3`` keeps those of a release.

Two releases run side by side while a new one is rolled out, on the same records. What each release writes is kept in
``releases/<version>.json``; ``test_releases.py`` reads it with today's code, and today's records with that release's schema.
Its code is that of its tag, ``v1.2.3``, or, of a release that has none, kept beside that;
``tests/journeys/test_upgrade_under_load.py`` runs it.
"""

import json
import lzma
import pkgutil
import subprocess
import sys
import tarfile
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from service import records
from service.records.json import Record

RELEASES = Path(__file__).parent / "releases"


def kinds() -> dict[str, type[Record]]:
    """All records by name."""
    found: dict[str, type[Record]] = {}
    for module in pkgutil.iter_modules(records.__path__):
        members = vars(import_module(f"{records.__name__}.{module.name}"))
        found |= {
            name: kind
            for name, kind in members.items()
            if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
        }
    return dict(sorted(found.items()))


def full(kind: type[Record]) -> Any:
    """JSON of a record in which no member has its default."""
    return _value(msgspec.inspect.type_info(kind), kind.__name__)


def least(kind: type[Record]) -> Any:
    """JSON of a record in which every member has its default that has one."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return {field.encode_name: _value(field.type, field.name, field.default) for field in info.fields if field.required}


def _value(info: msgspec.inspect.Type, name: str, default: Any = False) -> Any:
    """Some value of this type that is no default of ours."""
    match info:
        case msgspec.inspect.StructType(array_like=array_like, fields=fields):
            members = {field.encode_name: _value(field.type, field.name, field.default) for field in fields}
            return list(members.values()) if array_like else members
        case msgspec.inspect.EnumType(cls=cls):
            return list(cls)[-1].value
        case msgspec.inspect.UnionType(types=types):
            return _value(next(one for one in types if not isinstance(one, msgspec.inspect.NoneType)), name)
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item):
            return [_value(item, name)]
        case msgspec.inspect.DictType(value_type=value):
            return {name: _value(value, name)}
        case msgspec.inspect.BoolType():
            return default is not True
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.Metadata(extra_json_schema={"examples": [example, *_]}):
            return example
        case msgspec.inspect.StrType():
            return f"some {name}"
        case msgspec.inspect.AnyType():
            return {"of any": ["kind", 1, None]}
    raise NotImplementedError(f"{name}: {info}")


def releases_with_code() -> list[str]:
    """Releases whose code is here: a clone may have been made without tags."""
    tags = subprocess.run(
        ["git", "tag", "--list", "v*"], cwd=RELEASES, capture_output=True, text=True, check=False
    ).stdout.split()
    versions = [path.stem for path in sorted(RELEASES.glob("*.json"))]
    return [one for one in versions if f"v{one}" in tags or _archive(one).exists()]


def extract_code(version: str, folder: Path) -> None:
    """Write the code of a release into a folder, which then has ``service`` in it."""
    if _archive(version).exists():
        content = lzma.decompress(_archive(version).read_bytes())
    else:
        command = ["git", "archive", f"v{version}", "service"]
        content = subprocess.run(command, cwd=RELEASES.parents[2], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(content)) as code:
        code.extractall(folder, filter="data")


def _archive(version: str) -> Path:
    return RELEASES / f"{version}.tar.xz"


def keep(version: str) -> Path:
    """Write down what this release writes."""
    path = RELEASES / f"{version}.json"
    told = {
        name: {"full": full(kind), "least": least(kind), "schema": msgspec.json.schema(kind)}
        for name, kind in kinds().items()
    }
    path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    return path


if __name__ == "__main__":
    print(keep(sys.argv[1]))
