"""The guard stands alone: the rules that it shares with the service are copies, and stay the same."""

import inspect
from pathlib import Path
from types import ModuleType

from mintmark_guard import forwarded_certificates as guards_certificates
from mintmark_guard import target_uris as guards_uris
from service.protocol import forwarded_certificates, target_uris


def test_what_a_target_is() -> None:
    assert Path(guards_uris.__file__).read_text() == Path(target_uris.__file__).read_text()


def test_how_proxies_write_certificates() -> None:
    ours, guards = _functions(forwarded_certificates), _functions(guards_certificates)
    assert len(ours) > 5
    assert ours == guards


def _functions(module: ModuleType) -> dict[str, str]:
    made = inspect.getmembers(module, inspect.isfunction)
    return {name: inspect.getsource(one) for name, one in made if one.__module__ == module.__name__}
