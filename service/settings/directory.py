"""The directory webhook, where users are not in Redis."""

from pydantic import SecretStr

from service.settings.group import SettingsGroup, Timeout


class DirectorySettings(SettingsGroup):
    """Your directory of users."""

    directory_url: str | None = None
    """URL of the webhook that verifies users, in place of the users in Redis."""
    directory_secret: SecretStr | None = None
    """Bearer token that is sent to the webhook."""
    directory_timeout: Timeout = 3.0
    """Seconds that the webhook may take."""
