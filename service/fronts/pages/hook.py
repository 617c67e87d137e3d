"""The operator's function that may change every page before it is sent (IT-28, IRIS page hooks)."""

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module

from service.hooks.python_hook import load_entry_point
from service.protocol.browsing import Page, Redirect, Visit
from service.settings import SettingsError

GROUP = "mintmark.page_hooks"

Hook = Callable[[Page, Visit, MutableMapping[str, str]], Awaitable[Page | Redirect | None]]
"""``async def hook(page, visit, headers)``: may add headers, cookies included; returns another page or a redirect to be sent
instead, or None to send the page unchanged.
"""


def load_hook(name: str | None) -> Hook | None:
    """Load the function ``package.module:name``, or the entry point of this name in the group ``mintmark.page_hooks``.

    Raises SettingsError with the reason where it cannot be used.
    """
    if name is None:
        return None
    try:
        hook = _of_module(name) if ":" in name else load_entry_point(GROUP, name)
    except ValueError as error:
        raise SettingsError(f"page_hook: {error}") from error
    if not callable(hook):
        raise SettingsError(f"page_hook: {name!r} is no function")
    return hook


def _of_module(name: str) -> object:
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError(f"{name!r} must be package.module:name")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{name!r} cannot be loaded: {error}") from error
