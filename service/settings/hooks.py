"""Hooks, which are the operator's own code: the place of each, its events, its failures, and the signing secrets."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, SecretStr, model_validator

from service.protocol.addresses import is_loopback
from service.protocol.names import HookEvent
from service.settings.faults import check_each, whole
from service.settings.group import NO_PLAIN_NAME, Attempts, SettingsGroup, WebUrl, are_plain_names, checked_by

SECRET_PREFIX = "whsec_"
"""The prefix of a secret in the form of Standard Webhooks; the rest is base64."""
FEWEST_BYTES, MOST_BYTES = 24, 64
"""The least and the most bytes of such a secret."""


class HookSettings(BaseModel):
    """One hook: a webhook at ``url``, or an object of this process, ``entry_point``."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra={"required": ["events"]},
    )

    url: WebUrl | None = None
    """URL of a webhook."""
    entry_point: str | None = None
    """Name of an object in the entry point group ``mintmark.hooks``."""
    events: Annotated[tuple[HookEvent, ...], Field(min_length=1)] = ()
    """Events that the hook decides or is notified of."""
    timeout: Annotated[float, Field(gt=0, le=20)] = 2.0
    """Seconds that an answer may take."""
    on_failure: Literal["refuse", "go_on"] = "refuse"
    """Effect of a failure on what waits for the hook (claims, refresh, exchange, login): a 503, or going on without it."""
    failures_allowed: Annotated[int, Field(ge=1, le=1000)] = 5
    """Consecutive failures after which the hook is not called for ``pause``."""
    pause: Annotated[int, Field(ge=1, le=3600)] = 30
    """Seconds that a hook is not called after these failures."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 12
    """Maximum number of attempts to deliver a notification."""
    plain_http: bool = False
    """Whether http:// to another machine is allowed, where everybody on the way reads who signs in."""

    @model_validator(mode="wrap")
    @classmethod
    def _is_somewhere(cls, written: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        return whole(written, validate, (_place_faults, _event_faults))


def secret_bytes(secret: str) -> bytes:
    """Return the key in ``whsec_<base64>``. Raises ValueError for anything else, without quoting it."""
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True) if secret.startswith(SECRET_PREFIX) else b""
    except ValueError:
        key = b""
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"must be {SECRET_PREFIX} and base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes")
    return key


def check_words(name: str, secrets: str) -> None:
    """Check that there is one secret, or two while it is changed. Raises ValueError, which names the hook."""
    words = secrets.split()
    if not 1 <= len(words) <= 2:
        raise ValueError(f"{name}: must be one secret, or the new and the old one with a blank between")
    for word in words:
        try:
            secret_bytes(word)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def _place_faults(hook: HookSettings) -> Iterator[str]:
    """Yield faults of the hook's place."""
    if (hook.url is None) == (hook.entry_point is None):
        yield "a hook has a url, or an entry_point"
    if hook.url is None:
        return
    parts = urlsplit(hook.url)
    if parts.fragment:
        yield "url must be without fragment"
    if "@" in parts.netloc:
        yield "url must not have a user name or password: what is sent is signed with the hook's secret"
    if parts.scheme == "http" and not hook.plain_http and not is_loopback(parts.hostname or ""):
        yield "url must be https, or loopback http, unless plain_http is true"


def _event_faults(hook: HookSettings) -> Iterator[str]:
    """Refuse a hook without events. The field is not required in the model, so that other faults are reported, too."""
    if not hook.events:
        yield f"events is needed: one or more of {', '.join(HookEvent)}"


def _check_hooks(hooks: dict[str, HookSettings]) -> None:
    if not are_plain_names(hooks):
        raise ValueError(NO_PLAIN_NAME)


def _check_secrets(secrets: dict[str, SecretStr]) -> None:
    check_each(secrets, lambda name: check_words(name, secrets[name].get_secret_value()))


class HooksSettings(SettingsGroup):
    """Hooks."""

    hooks: Annotated[dict[str, HookSettings], checked_by(_check_hooks)] = Field(
        default_factory=dict, examples=[{"risk": {"url": "https://…", "events": ["refresh"]}}]
    )
    """Your own code by name: webhooks and objects of this process that decide and are notified."""
    hook_secrets: Annotated[dict[str, SecretStr], checked_by(_check_secrets)] = Field(
        default_factory=dict, examples=[{"risk": "whsec_…"}]
    )
    """Secrets by which requests to webhooks are signed, by the hook's name (`mintmark hook secret`). Two with a blank between
    while one is changed."""
    hook_notices_most: Attempts = 100_000
    """Maximum number of notifications that wait for hooks. Further ones are lost, and the log says so."""


def secret_faults(settings: HooksSettings) -> Iterator[str]:
    """Yield webhooks without a secret, and secrets without a webhook."""
    webhooks = {name for name, hook in settings.hooks.items() if hook.url}
    if missing := sorted(webhooks - set(settings.hook_secrets)):
        yield f"hook_secrets: {', '.join(missing)}: has no secret; `mintmark hook secret` makes one"
    if unknown := sorted(set(settings.hook_secrets) - webhooks):
        yield f"hook_secrets: {', '.join(unknown)}: there is no webhook of that name in hooks"
