"""An environment without settings, and what it may name."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("MINTMARK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the environment names."""
    path = tmp_path / "mintmark.toml"
    monkeypatch.setenv("MINTMARK_CONFIG", str(path))
    return path


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets that the environment names."""
    path = tmp_path / "secrets"
    path.mkdir()
    monkeypatch.setenv("MINTMARK_SECRETS_DIR", str(path))
    return path
