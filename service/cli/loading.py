"""The settings, as a command that was given options of its own has them."""

from service.settings import Settings, load


def loaded(**given: object) -> Settings:
    """The settings; options that were left out (None) don't count. Raises SettingsError."""
    return load(**{name: value for name, value in given.items() if value is not None})
