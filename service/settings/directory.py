"""The directory webhook, where users are not in Redis."""

import re
from typing import Annotated

from pydantic import SecretStr

from service.settings.group import SettingsGroup, Timeout, WebUrl, checked_by


def _check_base(url: str) -> None:
    if "?" in url or "#" in url:
        raise ValueError("must be without query and fragment: /verify and /claims are put behind it")


def _check_bearer(secret: SecretStr | None) -> None:
    if secret and not re.fullmatch("[!-~]+", secret.get_secret_value()):
        raise ValueError("must be ASCII characters without blanks: it goes into an Authorization header")


class DirectorySettings(SettingsGroup):
    """Your directory of users."""

    directory_url: Annotated[WebUrl, checked_by(_check_base)] | None = None
    """URL of the webhook that verifies users, in place of the users in Redis."""
    directory_secret: Annotated[SecretStr | None, checked_by(_check_bearer)] = None
    """Bearer token that is sent to the webhook."""
    directory_timeout: Timeout = 3.0
    """Seconds that the webhook may take."""
