"""Objects that every issuer of a test process would make anew, made once, as they took half of the suite's time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import pytest
import typer.main as typer_main
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from service.crypto import key_material, keyring, sealing
from service.crypto.key_material import PrivateKey
from service.fronts import templates
from tests.world import signing_keys


class CompiledTemplates(BytecodeCache):
    """A cache in memory; jinja2 itself compares a template's source with the compiled one."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


@contextmanager
def kept_between_tests() -> Iterator[None]:
    """Keep compiled templates, parsers of commands, and the signing keys of tests, whose primes OpenSSL checks at each load."""
    compiled, keys = CompiledTemplates(), dict[Path, list[PrivateKey]]()

    def read_file(path: Path) -> list[PrivateKey]:
        if path != signing_keys():
            return key_material.read_file(path)
        if path not in keys:
            keys[path] = key_material.read_file(path)
        return keys[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "open_templates", partial(templates.open_templates, bytecode_cache=compiled))
        patch.setattr(typer_main, "get_command_from_info", cache(typer_main.get_command_from_info))
        for module in (keyring, sealing):
            patch.setattr(module, "read_file", read_file)
        yield
