"""The directory webhook, where users are not in Redis."""

from typing import Annotated

from pydantic import SecretStr

from service.settings.group import SettingsGroup, Timeout, WebUrl, checked_by


def _check_base(url: str) -> None:
    if "?" in url or "#" in url:
        raise ValueError("must be without query and fragment: /verify and /claims are put behind it")


class DirectorySettings(SettingsGroup):
    """Your directory of users."""

    directory_url: Annotated[WebUrl, checked_by(_check_base)] | None = None
    """URL of the webhook that verifies users, in place of the users in Redis."""
    directory_secret: SecretStr | None = None
    """Bearer token that is sent to the webhook."""
    directory_timeout: Timeout = 3.0
    """Seconds that the webhook may take."""
