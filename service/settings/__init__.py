"""Every setting with its default, check and description: a group a file, put together here.

Values that are valid but wrong for this machine (a port in use, a missing file) are found elsewhere.

``MINTMARK_REDIS_URL=…`` sets ``redis_url``. ``MINTMARK_CONFIG=/path/to/mintmark.toml`` (or .yaml) names a file.
``MINTMARK_SECRETS_DIR=/run/secrets`` names a folder with a file for each secret (``redis_password``).
``MINTMARK_REQUIRED=master_key,redis_password`` names settings that must be set.
"""

import os
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from service.protocol.names import AccessTokenFormat, HookEvent
from service.settings import hooks, operators, server, tls
from service.settings.backchannel import BackchannelSettings
from service.settings.clients import ClientsSettings
from service.settings.directory import DirectorySettings
from service.settings.dpop import DpopSettings
from service.settings.faults import did_you_mean, lines, whole
from service.settings.group import SettingsGroup
from service.settings.guessing import GuessingSettings
from service.settings.keys import KeysSettings
from service.settings.login import LoginSettings
from service.settings.observing import ObservingSettings
from service.settings.pages import PagesSettings
from service.settings.profiles import ProfilesSettings, profile_faults, with_profile
from service.settings.redis import RedisSettings, redis_tls_faults
from service.settings.scopes import ScopesSettings
from service.settings.sources import (
    CONFIG_VARIABLE,
    REQUIRED_VARIABLE,
    SECRETS_VARIABLE,
    Environment,
    file_sources,
    required_faults,
    secret_sources,
)
from service.settings.tokens import TokensSettings

PREFIX = "MINTMARK_"
NOT_SETTINGS = ("MINTMARK_TEST_", "MINTMARK_SERVICE_", "MINTMARK_PORT_")
"""Prefixes of variables that are no settings. Kubernetes injects the last two for a Service named mintmark."""
OF_COMMANDS = frozenset(
    {CONFIG_VARIABLE, SECRETS_VARIABLE, REQUIRED_VARIABLE, "MINTMARK_URL", "MINTMARK_TOKEN", "MINTMARK_TOKEN_FILE"}
    | {"MINTMARK_CA_FILE", "MINTMARK_CERTIFICATE_FILE", "MINTMARK_KEY_FILE"}
)
"""Variables that are no settings: the locations of settings, and the running service that commands are for."""
_UNKNOWN = "there is no such setting (docs/reference/settings.md has all)"


class SettingsError(Exception):
    """The settings are faulty; the text has a line for each fault, for operators."""


class Settings(
    # The last group comes first wherever settings are listed, as pydantic collects fields from the last base on.
    ObservingSettings,
    hooks.HooksSettings,
    DirectorySettings,
    ClientsSettings,
    ProfilesSettings,
    GuessingSettings,
    PagesSettings,
    BackchannelSettings,
    LoginSettings,
    KeysSettings,
    ScopesSettings,
    DpopSettings,
    TokensSettings,
    RedisSettings,
    operators.OperatorsSettings,
    tls.TlsSettings,
    server.ServerSettings,
    BaseSettings,
):
    """The settings of a process: the fields of all groups, read flat. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, defer_build=False)

    @model_validator(mode="wrap")
    @classmethod
    def _goes_together(cls, written: dict[str, Any], validate: ModelWrapValidatorHandler[Self]) -> Self:
        return whole(with_profile(written), validate, _CHECKS if cls is Settings else ())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources: arguments, environment, file, folder of secrets. The first that has a setting wins."""
        files = (*file_sources(cls), *secret_sources(cls)) if cls is Settings else ()
        return (init_settings, Environment(cls), *files)


GROUPS = tuple(one for one in reversed(Settings.__bases__) if issubclass(one, SettingsGroup))
"""The groups, in the order of ``Settings.model_fields``."""


def _key_faults(settings: Settings) -> list[str]:
    """Refuse resources with JWTs where there is no key to sign them."""
    signed = [name for name, one in settings.resource_tokens.items() if one.format is not AccessTokenFormat.OPAQUE]
    if not signed or settings.openid:
        return []
    return ["resource_tokens: there is no key to sign with: set master_key or signing_key_files"]


def _nonce_faults(settings: Settings) -> list[str]:
    """Refuse nonces where there is no secret that all processes share."""
    if not settings.dpop_nonce_required or settings.openid:
        return []
    return ["dpop_nonce_required: there is no secret to derive nonces from: set master_key or signing_key_files"]


def _details_faults(settings: Settings) -> list[str]:
    """Refuse types of authorization details whose hook does not exist, or lacks the event, and types that are not there."""
    capable = {name for name, hook in settings.hooks.items() if HookEvent.AUTHORIZATION_DETAILS in hook.events}
    faults = [
        f"authorization_details_types.{name}.hook: there is no hook {one.hook!r} with the event authorization_details"
        for name, one in settings.authorization_details_types.items()
        if one.hook and one.hook not in capable
    ]
    member, known = "registration_authorization_details_types", settings.authorization_details_types
    unknown = [repr(name) for name in settings.registration_authorization_details_types if name not in known]
    return [*faults, f"{member}: authorization_details_types has no {', '.join(unknown)}"] if unknown else faults


def _request_object_faults(settings: Settings) -> list[str]:
    """Refuse a requirement of signed requests where request objects are off."""
    if not settings.require_signed_request_object or settings.request_objects != "off":
        return []
    return ["require_signed_request_object: no request could be answered: request_objects is off"]


def _encryption_faults(settings: Settings) -> list[str]:
    """Refuse encryption algorithms where there is no master key that could seal their keys."""
    if not settings.encryption_algorithms or settings.master_keys:
        return []
    return ["encryption_algorithms: needs master_key, which seals the keys in Redis"]


def _proxy_faults(settings: Settings) -> list[str]:
    """Refuse forwarded certificates where no proxy is trusted."""
    if settings.forwarded_certificate == "off" or settings.trusted_proxies:
        return []
    return ["forwarded_certificate: needs trusted_proxies; from anybody else the header is not believed"]


_CHECKS = (
    _details_faults,
    _encryption_faults,
    hooks.secret_faults,
    _key_faults,
    _nonce_faults,
    _request_object_faults,
    operators.listener_faults,
    tls.certificate_faults,
    _proxy_faults,
    redis_tls_faults,
    profile_faults,
    server.https_faults,
)
"""Checks between settings; each returns a line for each fault."""


class _Given(Settings):
    """Arguments and environment, checked alone where a file cannot be read, and without the checks between settings."""


def load(**given: object) -> Settings:
    """Load the settings of this process.

    Args:
        given: Settings that win over all other sources.

    Raises:
        SettingsError: The settings are faulty; it names all faults at once.
    """
    faults = [f"{name}: {_UNKNOWN}{_likely_variable(name)}" for name in unknown_variables(os.environ)]
    settings = None
    try:
        settings, further = _read(Settings, given)
        faults += further
        if settings is not None:
            faults += required_faults(settings.model_fields_set, Settings.model_fields)
    except (OSError, ValueError) as error:  # a file or folder that cannot be read
        faults += [str(error), *_read(_Given, given)[1]]
    if faults or settings is None:
        raise SettingsError("\n".join(faults))
    return settings


def _read(kind: type[Settings], given: Mapping[str, Any]) -> tuple[Settings | None, list[str]]:
    """Return the settings, or their faults. Raises OSError, ValueError where a source cannot be read."""
    try:
        return kind(**given), []
    except ValidationError as error:
        return None, lines(error, _UNKNOWN, known=Settings.model_fields)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return variables with our prefix that name no setting, which are most likely typing errors."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours = (name for name in environment if name.upper().startswith(PREFIX))
    others = (name for name in ours if name.upper() not in known and name not in OF_COMMANDS)
    return sorted(name for name in others if not name.startswith(NOT_SETTINGS))


def _likely_variable(name: str) -> str:
    """Return which variable may be meant; without the prefix, which makes all alike."""
    known = [*map(str.upper, Settings.model_fields), *(one.removeprefix(PREFIX) for one in sorted(OF_COMMANDS))]
    return did_you_mean(name.upper().removeprefix(PREFIX), known, PREFIX)


def origins(settings: Settings, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the source of each setting: ``given``, ``environment``, a path, ``profile`` or ``default``."""
    layers: list[tuple[str, set[str]]] = [
        ("given", set(InitSettingsSource(Settings, dict(given))())),
        ("environment", set(Environment(Settings)())),
        *((os.environ.get(CONFIG_VARIABLE, ""), set(source())) for source in file_sources(Settings)),
        *((os.environ.get(SECRETS_VARIABLE, ""), set(source())) for source in secret_sources(Settings)),
        ("profile", set(with_profile({"profile": settings.profile})) - {"profile"}),
    ]
    return {
        name: next((layer for layer, names in layers if name in names), "default")
        for name in type(settings).model_fields
    }
