"""The settings of a command, with its options applied."""

from collections.abc import Container

from service.cli.usage import WrongUsage
from service.settings import Settings, SettingsError, load

_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in ("host", "port", "workers", "log_level", "log_format")}
_OPTIONS["redis_url"] = "--redis"
"""The options that set settings."""


def loaded(**given: object) -> Settings:
    """Return the settings, overridden by the options that are not None.

    Raises:
        SettingsError: The settings are faulty; what an option gave has its name.
        WrongUsage: Only what options gave is faulty.
    """
    given = {name: value for name, value in given.items() if value is not None}
    try:
        return load(**given)
    except SettingsError as error:
        faults = str(error).splitlines()
        typed = [_as_typed(fault, given) for fault in faults]
        kind = SettingsError if set(faults) & set(typed) else WrongUsage  # by an option, each reads otherwise
        raise kind("\n".join(typed)) from error


def _as_typed(fault: str, given: Container[str]) -> str:
    """Return a fault with the option in the place of the setting that it gave."""
    name, mark, text = fault.partition(": ")
    return f"{_OPTIONS[name]}{mark}{text}" if mark and name in given and name in _OPTIONS else fault
