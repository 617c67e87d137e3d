"""The settings of a command, with its options applied."""

from service.settings import Settings, load


def loaded(**given: object) -> Settings:
    """Return the settings, overridden by the options that are not None. Raises SettingsError."""
    return load(**{name: value for name, value in given.items() if value is not None})
