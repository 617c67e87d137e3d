"""The look of our pages, and their links."""

from pathlib import Path

from pydantic import Field

from service.settings.group import SettingsGroup, WebUrl


class PagesSettings(SettingsGroup):
    """Pages."""

    service_name: str = Field("Mintmark", max_length=80)
    """Name of this service on its pages."""
    sign_up_url: WebUrl | None = None
    """URL to which users without an account are sent (prompt=create)."""
    device_page_url: WebUrl | None = None
    """URL of the page on which users enter the codes of devices, where it is a backend's (decision API). None: /device."""
    op_policy_uri: WebUrl | None = None
    """URL of your privacy policy, for pages and discovery."""
    op_tos_uri: WebUrl | None = None
    """URL of your terms of service, for pages and discovery."""
    pages_folder: Path | None = None
    """Folder of files (login.html, de.toml, style.css and so on, side by side) that replace ours of the same name."""
    page_hook: str | None = None
    """Function of yours that gets every page before it is sent: package.module:name, or an entry point."""
