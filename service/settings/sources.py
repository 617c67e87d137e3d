"""Sources of settings in addition to arguments: the environment, a file, a folder of secret files."""

import os
from collections.abc import Collection, Container
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)

from service.settings.faults import Unreadable, did_you_mean
from service.settings.group import example_of

CONFIG_VARIABLE = "MINTMARK_CONFIG"
SECRETS_VARIABLE = "MINTMARK_SECRETS_DIR"
REQUIRED_VARIABLE = "MINTMARK_REQUIRED"
"""The variable with the names of settings that must be set, separated by commas. Otherwise a misspelled key of a Secret would
silently switch off what it is for."""


class Environment(EnvSettingsSource):
    """The environment, without the MINTMARK_PORT=tcp://10.0.0.1:80 that Kubernetes injects for a Service named mintmark."""

    def __call__(self) -> dict[str, Any]:
        """Return the settings in the environment."""
        found = super().__call__()
        if str(found.get("port")).startswith("tcp://"):
            del found["port"]
        return found

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        """Decode JSON, or for lists also words separated by commas."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError as error:
            if get_origin(field.annotation) is tuple and not str(value).lstrip().startswith(("[", "{")):
                return [word.strip() for word in str(value).split(",") if word.strip()]
            return Unreadable(f"write JSON into the variable, such as {example_of(field) or '{}'} ({error})")


class SecretsFolder(SecretsSettingsSource):
    """A folder with a file for each secret. What cannot be read is a fault of its setting, and is not quoted."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the text of the file."""
        try:
            return super().get_field_value(field, field_name)
        except UnicodeDecodeError:
            fault = "must be a text in UTF-8"
        except OSError as error:
            fault = f"its file cannot be read: {error.strerror or error}"
        return Unreadable(fault), field_name, False

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        """Decode JSON."""
        if isinstance(value, Unreadable):
            return value
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError as error:
            return Unreadable(f"write JSON into the file, such as {example_of(field) or '{}'} ({error})")


def file_sources(settings_cls: type[BaseSettings]) -> list[PydanticBaseSettingsSource]:
    """Return the TOML or YAML file that ``MINTMARK_CONFIG`` names. Raises OSError, ValueError where it cannot be read."""
    path = os.environ.get(CONFIG_VARIABLE)
    if not path:
        return []
    if not Path(path).is_file():
        raise OSError(f"--config, or {CONFIG_VARIABLE}: there is no file {path}")
    try:
        if path.endswith((".yaml", ".yml")):
            return [_yaml_source(settings_cls, path)]
        return [TomlConfigSettingsSource(settings_cls, toml_file=path)]
    except ValueError as error:  # it does not parse
        raise ValueError(f"{path}: {error}") from error


def _yaml_source(settings_cls: type[BaseSettings], path: str) -> PydanticBaseSettingsSource:
    """Return a YAML file. Raises ValueError where it does not parse."""
    from yaml import YAMLError, load  # type: ignore[import-untyped]  # loaded only for a YAML file

    from service.settings.unique_yaml import UniqueLoader, fault_of

    class Yaml(YamlConfigSettingsSource):
        def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
            found = load(file_path.read_bytes(), UniqueLoader) or {}  # noqa: S506 (a safe loader)
            if not isinstance(found, dict):
                raise ValueError("must be settings with their values")
            return found

    try:
        return Yaml(settings_cls, yaml_file=path)
    except YAMLError as error:
        raise ValueError(fault_of(error)) from error


def secret_sources(settings_cls: type[BaseSettings]) -> list[PydanticBaseSettingsSource]:
    """Return the files in the folder that ``MINTMARK_SECRETS_DIR`` names. Raises OSError where it does not exist."""
    path = os.environ.get(SECRETS_VARIABLE)
    if not path:
        return []
    if not Path(path).is_dir():
        raise OSError(f"{SECRETS_VARIABLE}: there is no folder {path}")
    return [SecretsFolder(settings_cls, secrets_dir=path, env_prefix="")]


def required_faults(said: Container[str], known: Collection[str]) -> list[str]:
    """Return a line for each setting of ``MINTMARK_REQUIRED`` that is not set.

    Args:
        said: Names of settings that are set.
        known: Names of all settings.
    """
    named = [word.strip().lower() for word in os.environ.get(REQUIRED_VARIABLE, "").split(",")]
    return [_required_fault(name, known) for name in named if name and name not in said]


def _required_fault(name: str, known: Collection[str]) -> str:
    if name not in known:
        where = f"docs/reference/settings.md has all){did_you_mean(name, known)}"
        return f"{REQUIRED_VARIABLE}: there is no setting {name} ({where}"
    fault = f"{name}: is not set, and {REQUIRED_VARIABLE} says that it must be"
    folder = os.environ.get(SECRETS_VARIABLE)
    if not folder:
        return fault
    there = sorted(path.name for path in Path(folder).iterdir() if path.is_file())
    return f"{fault}; the files of {folder} are: {', '.join(there) or 'none'}"
