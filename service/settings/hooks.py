"""What an operator says about one hook: where it is, what it is asked or told, and what happens where it is down."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from service.protocol.names import HookEvent
from service.settings.faults import whole

SECRET_PREFIX = "whsec_"
"""Of a secret in the form of Standard Webhooks: the rest is base64."""
FEWEST_BYTES, MOST_BYTES = 24, 64
"""Of such a secret."""


class HookSettings(BaseModel):
    """``url`` of a webhook, or ``entry_point``: name of an object in the entry point group ``mintmark.hooks``.

    ``timeout`` and ``pause``: seconds; ``on_failure``: of a question (claims, refresh, login): ``refuse`` answers 503,
    ``go_on`` does without; ``failures_allowed``: in a row, after which the hook is left alone for ``pause``; ``attempts``: how
    often a notice is tried; ``plain_http``: allow http:// to another machine, where everybody between reads who signs in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"required": ["events"]})

    url: str | None = None
    entry_point: str | None = None
    events: Annotated[tuple[HookEvent, ...], Field(min_length=1)] = ()
    timeout: Annotated[float, Field(gt=0, le=20)] = 2.0
    on_failure: Literal["refuse", "go_on"] = "refuse"
    failures_allowed: Annotated[int, Field(ge=1, le=1000)] = 5
    pause: Annotated[int, Field(ge=1, le=3600)] = 30
    attempts: Annotated[int, Field(ge=1, le=20)] = 12
    plain_http: bool = False

    @model_validator(mode="wrap")
    @classmethod
    def _is_somewhere(cls, written: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        return whole(written, validate, (_place_faults, _event_faults))


def secret_faults(hooks: Mapping[str, HookSettings], secrets: Mapping[str, Any]) -> list[str]:
    """Webhooks that would not be signed, and secrets that belong to nothing."""
    faults = []
    if missing := sorted(name for name, hook in hooks.items() if hook.url and name not in secrets):
        faults.append(f"hook_secrets: {', '.join(missing)}: has no secret; `mintmark hook secret` makes one")
    if unknown := sorted(set(secrets) - {name for name, hook in hooks.items() if hook.url}):
        faults.append(f"hook_secrets: {', '.join(unknown)}: there is no webhook of that name in hooks")
    return faults


def secret_bytes(secret: str) -> bytes:
    """The key in ``whsec_<base64>``. Raises ValueError for anything else, without repeating it."""
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True) if secret.startswith(SECRET_PREFIX) else b""
    except ValueError:
        key = b""
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"must be {SECRET_PREFIX} and base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes")
    return key


def check_words(name: str, secrets: str) -> None:
    """One secret, or two while it is changed. Raises ValueError that names the hook."""
    words = secrets.split()
    if not 1 <= len(words) <= 2:
        raise ValueError(f"{name}: must be one secret, or the new and the old one with a blank between")
    for word in words:
        try:
            secret_bytes(word)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def _place_faults(hook: HookSettings) -> Iterator[str]:
    """What is wrong with where the hook is, in words."""
    if (hook.url is None) == (hook.entry_point is None):
        yield "a hook has a url, or an entry_point"
    if hook.url is None:
        return
    parts = urlsplit(hook.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or not hook.url.isprintable():
        yield "url must be an http(s) URL without fragment"
    if "@" in parts.netloc:
        yield "url must not have a user name or password: what is sent is signed with the hook's secret"
    if parts.scheme == "http" and not hook.plain_http and not _is_loopback(parts.hostname or ""):
        yield "url must be https, or loopback http, unless plain_http is true"


def _event_faults(hook: HookSettings) -> Iterator[str]:
    """No default, and yet not required: so that what is wrong elsewhere is reported with it."""
    if not hook.events:
        yield f"events is needed: one or more of {', '.join(HookEvent)}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
