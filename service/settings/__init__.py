"""Every setting with its default and what it does: environment, file, secret files, in this order of precedence.

``MINTMARK_REDIS_URL=…`` sets ``redis_url``; ``MINTMARK_CONFIG=/path/to/mintmark.toml`` (or .yaml) names a file;
``MINTMARK_SECRETS_DIR=/run/secrets`` names a folder of files called like the setting (``redis_password``).
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from service.protocol.addresses import check_hosts, check_issuer
from service.protocol.claims import MAX_CLAIM_NAME, SCOPE_CLAIMS, check_claim_name
from service.protocol.names import (
    OFFLINE_ACCESS,
    OPENID,
    AccessTokenFormat,
    GrantTypeName,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
    UnknownScope,
)
from service.settings import redis_url
from service.settings.faults import check_each, lines, refuse, whole
from service.settings.hooks import HookSettings, check_words, secret_faults
from service.settings.sources import CONFIG_VARIABLE, SECRETS_VARIABLE, Environment, file_sources, secret_sources

PREFIX = "MINTMARK_"
NOT_SETTINGS = ("MINTMARK_TEST_", "MINTMARK_SERVICE_", "MINTMARK_PORT_")
"""Beginnings of variables of our prefix that are no settings; Kubernetes injects the last two for a Service named mintmark."""
OF_COMMANDS = frozenset(
    {CONFIG_VARIABLE, SECRETS_VARIABLE, "MINTMARK_URL", "MINTMARK_TOKEN", "MINTMARK_TOKEN_FILE"}
    | {"MINTMARK_CA_FILE", "MINTMARK_CERTIFICATE_FILE", "MINTMARK_KEY_FILE"}
)
"""Variables that are no settings but say where settings are, or which running service commands are for."""

TAKEN_PATHS = frozenset(
    {"/introspect", "/revoke", "/.well-known/oauth-authorization-server", "/livez", "/readyz", "/metrics"}
    | {"/authorize", "/login", "/consent", "/logout", "/applications", "/userinfo", "/jwks", "/register", "/style.css"}
    | {"/.well-known/openid-configuration"}
)
"""Where no token endpoint can be."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")

ClaimName = Annotated[str, Field(max_length=MAX_CLAIM_NAME), AfterValidator(check_claim_name)]
Seconds = Annotated[int, Field(ge=0)]
Lifetime = Annotated[int, Field(ge=1, le=2_147_483_647)]


class SettingsError(Exception):
    """All that is wrong with the settings, one line each, ready to be read by a person."""


class ResourceTokens(BaseModel):
    """How access tokens for a resource look; ``algorithm``: None = RS256; ``jwt_typ``: ``JWT`` for a resource server that
    refuses the ``at+jwt`` of RFC 9068.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: AccessTokenFormat
    algorithm: SigningAlgorithm | None = None
    jwt_typ: Literal["at+jwt", "JWT"] = "at+jwt"


class Settings(BaseSettings):
    """Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, ignored_types=(cached_property,))

    # where we are
    host: str = Field(
        "127.0.0.1",
        description="Addresses to listen on, with commas between; 0.0.0.0 = every IPv4 address, :: = both families.",
    )
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on.")
    issuer: str = Field(
        default_factory=lambda others: f"http://127.0.0.1:{others.get('port') or 8080}",
        description="The URL that clients know this service by; `iss` in tokens, as written (a slash at its end counts).",
    )
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        1, description="How many processes serve; auto = one for each processor that we may use."
    )
    require_https: bool = Field(
        True, description="Refuse plain HTTP, unless the issuer is a loopback http URL or a trusted proxy said https."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Networks (CIDR) whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )
    token_paths: tuple[str, ...] = Field(
        ("/token",), description="Paths of the token endpoint; the first one is advertised."
    )
    token_require_post: bool = Field(True, description="False also allows GET at the token endpoint. Don't.")
    idle_seconds: int = Field(
        75,
        ge=1,
        description="How long a connection may be open without a whole request head; longer than the proxy keeps its own.",
    )
    drain_seconds: Seconds = Field(10, description="How long requests under way may take to finish after SIGTERM.")
    drain_delay: float = Field(
        0.0,
        ge=0,
        description="How long to keep accepting after SIGTERM with readiness off, for load balancers to notice.",
    )

    # operators: a listener of their own
    admin_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="The port for operators: admin API, console, decision API, metrics. Not set: there is none.",
    )
    admin_host: str = Field("127.0.0.1", description="The addresses that the operators' port listens on, like host.")
    admin_tokens: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Who may use the admin API and the console, each by a token: {"ci": "…"} (`mintmark admin-token`).',
    )
    console_idle_lifetime: Lifetime = Field(1800, description="Sessions at the console since their last use.")
    console_lifetime: Lifetime = Field(43_200, description="Sessions at the console since the operator signed in.")
    decision_api_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Who may call the decision API: API key and API secret, {"shop": "…"} (`mintmark admin-token`).',
    )
    admin_certificate_file: Path | None = Field(
        None, description="The certificate of the operators' listener (PEM, with its chain): it then speaks TLS."
    )
    admin_key_file: Path | None = Field(None, description="The key of that certificate (PEM).")
    admin_client_ca_file: Path | None = Field(
        None,
        description="Whoever has a client certificate of this authority (PEM) is an operator too, called by its common name.",
    )
    audit_length: Annotated[int, Field(ge=100, le=100_000_000)] = Field(
        100_000, description="About how many entries of the audit log Redis keeps; the oldest ones go."
    )
    audit_file: Path | None = Field(
        None,
        description="Write the audit log also here, a line of JSON an act, appended. While it cannot be opened, operators "
        "can change nothing; what cannot be written any more at the end of an act is in the service's log as an error.",
    )

    # Redis
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="redis:// · rediss:// · unix:// · redis+sentinel://host,host/service · redis+cluster://host,host",
    )
    redis_username: str | None = Field(None, description="ACL user, where the URL names none.")
    redis_password: SecretStr | None = Field(None, description="Password, where the URL has none.")
    redis_sentinel_username: str | None = Field(None, description="ACL user of the Sentinels.")
    redis_sentinel_password: SecretStr | None = Field(None, description="Password of the Sentinels.")
    redis_timeout: float = Field(1.0, gt=0, le=60, description="How long a command may take with all its retries.")
    redis_connect_timeout: float = Field(1.0, gt=0, le=60, description="How long to connect may take.")
    redis_wait_replicas: Annotated[int, Field(ge=0, le=16)] = Field(
        0,
        description="How many replicas must have a redemption, rotation or revocation before we say so; else it is 503.",
    )
    redis_allow_lossy_replay: bool = Field(
        False,
        description="Start (with a warning) where a restart of Redis would bring back what was revoked: see docs/redis.md.",
    )
    redis_ca_file: Path | None = Field(None, description="Certificate authority of rediss:// (PEM).")
    redis_certificate_file: Path | None = Field(None, description="Our client certificate for rediss:// (PEM).")
    redis_key_file: Path | None = Field(None, description="The key of our client certificate (PEM).")
    redis_tls: bool = Field(False, description="TLS also for redis+sentinel:// and redis+cluster://.")

    # lifetimes
    code_lifetime: Lifetime = Field(60, description="Authorization codes.")
    code_grace: Annotated[int, Field(ge=0, le=300)] = Field(
        10,
        description="Seconds within which a redemption whose answer was lost may be repeated; 0 = that ends the grant.",
    )
    access_token_lifetime: Lifetime = Field(3600, description="Access tokens.")
    refresh_idle_lifetime: Seconds = Field(86400 * 14, description="Refresh tokens since their last use; 0 = never.")
    refresh_absolute_lifetime: Seconds = Field(
        86400 * 90, description="Refresh tokens since the grant began, however often they are used; 0 = never."
    )
    refresh_grace: Annotated[int, Field(ge=0, le=300)] = Field(
        10, description="A refresh repeated within it gets the same answer again; 0 turns that off."
    )
    refresh_reuse_memory: Lifetime = Field(
        86400 * 7, description="How long a used code or refresh token is remembered, so that its reuse ends the grant."
    )

    # what is allowed
    refresh_rotation: RefreshRotation = Field(
        RefreshRotation.ALWAYS,
        description="Whose refresh tokens are replaced at each use: always, public_clients, never.",
    )
    scopes: dict[str, str] = Field(
        default_factory=dict, description='Scopes with a description for people: {"read": "Read your data"}.'
    )
    scope_claims: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description='Scopes of your own that mean claims about a person: {"roles": ["roles"]}.'
    )
    access_token_claims: dict[str, tuple[ClaimName, ...]] = Field(
        default_factory=dict,
        description="Claims about a person in access tokens and their introspection, by the scope that was granted: "
        '{"read": ["department"]}. Of one client: its own access_token_claims.',
    )
    default_scope: str = Field("", description="Granted where neither the request nor the client names a scope.")
    unknown_scope: UnknownScope = Field(UnknownScope.REFUSE, description="refuse (invalid_scope) or drop.")
    require_pkce: bool = Field(
        False, description="Require PKCE of confidential clients too; public ones always need it."
    )
    revoke_access_token_ends_grant: bool = Field(
        False, description="Revoking an access token ends its whole grant, refresh token and all."
    )

    # limits
    grants_per_user_and_client: Annotated[int, Field(ge=0, le=1000)] = Field(
        100,
        description="Grants of a user to one client that can be refreshed at once, and as many codes and others that cannot; "
        "one more ends the one that was not used for longest. 0 = any number.",
    )
    sessions_per_user: Annotated[int, Field(ge=0, le=1000)] = Field(
        100, description="Browser sessions of a user at once; one more ends the oldest. 0 = any number."
    )
    max_body: int = Field(65536, ge=1024, description="Size of a request body.")
    max_head: int = Field(
        16384,
        ge=4096,
        le=131_072,
        description="Size of the request target, and of each header; longer ones are answered 414 and 431.",
    )
    client_failures_allowed: int = Field(20, ge=1, description="Failed authentications of a client from an address.")
    user_failures_allowed: int = Field(
        5, ge=1, description="Wrong passwords for a user from one place before delays begin."
    )
    user_failures_allowed_anywhere: int = Field(
        100, ge=1, description="Wrong passwords for a user from all places together before delays begin."
    )
    address_failures_allowed: int = Field(50, ge=1, description="Wrong passwords from an address before delays begin.")
    failure_first_delay: Lifetime = Field(1, description="The first delay; it doubles with every further failure.")
    failure_longest_delay: Lifetime = Field(900, description="Where the doubling ends.")
    failure_memory: Lifetime = Field(900, description="How long after the last failure the count is forgotten.")
    argon2_memory: int = Field(19456, ge=64, description="KiB that hashing a password takes (OWASP: 19456).")
    argon2_iterations: int = Field(2, ge=1, description="Passes over that memory.")
    argon2_threads: int = Field(2, ge=1, le=64, description="How many passwords are hashed side by side.")
    argon2_queue: int = Field(
        500,
        ge=1,
        description="How many of a group (known users, others, clients …) may wait for it; more are answered 503.",
    )
    argon2_wait: float = Field(
        10.0, gt=0, le=60, description="Seconds that a password may wait to be hashed; then the answer is 503."
    )

    # OpenID Connect: on where there is a master key, or key files
    master_key: SecretStr | None = Field(
        None,
        description="Encrypts the signing keys in Redis: 32 characters or more (`mintmark key master`). To change it, put the "
        "new one before the old one with a blank between: the first encrypts, all decrypt.",
    )
    signing_key_files: tuple[Path, ...] = Field(
        (),
        description="Signing keys of your own (PEM or JWK) in the place of generated ones; the first of a kind signs.",
    )
    signing_algorithms: tuple[SigningAlgorithm, ...] = Field(
        tuple(SigningAlgorithm),
        description="The algorithms that clients may ask for; RS256 is what they get if they don't.",
    )
    signing_rsa_bits: Literal[2048, 3072, 4096] = Field(2048, description="Size of generated RSA keys.")
    signing_key_lifetime: Seconds = Field(
        86400 * 90, description="How long a key signs before the next one takes over; 0 = until `mintmark key rotate`."
    )
    jwks_lifetime: Annotated[int, Field(ge=1, le=86400)] = Field(
        300, description="How long others may keep our JWKS; a new key is published that long before it signs."
    )
    id_token_lifetime: Annotated[int, Field(ge=1, le=86400)] = Field(3600, description="ID tokens.")
    pairwise_salt: SecretStr | None = Field(
        None, description="Makes pairwise subjects; never change it, or everybody becomes somebody else."
    )
    acr: str = Field(
        "1", description="The authentication context class that a password login has (`acr` in ID tokens)."
    )
    request_objects: Literal["off", "by_value", "by_reference"] = Field(
        "by_reference",
        description="Signed authorization requests: off; by_value: the request parameter; by_reference: also request_uri.",
    )

    # people in front of a browser
    response_types: tuple[ResponseType, ...] = Field(
        tuple(ResponseType),
        description="What clients may be registered for; each has only `code` until told otherwise.",
    )
    service_name: str = Field("Mintmark", max_length=80, description="What the pages call this service.")
    sign_up_url: str | None = Field(None, description="Where people without an account are sent (prompt=create).")
    op_policy_uri: str | None = Field(None, description="Your privacy policy, linked on the pages and in discovery.")
    op_tos_uri: str | None = Field(None, description="Your terms of service, linked on the pages and in discovery.")
    pages_folder: Path | None = Field(
        None,
        description="A folder in which login.html, de.toml, style.css … lie side by side and replace ours of the same name.",
    )
    page_hook: str | None = Field(
        None,
        description="A function of yours that sees every page before it is sent: package.module:name, or an entry point.",
    )
    session_idle_lifetime: Lifetime = Field(86400, description="Browser sessions since their last use.")
    session_lifetime: Lifetime = Field(86400 * 14, description="Browser sessions since somebody signed in.")
    ticket_lifetime: Lifetime = Field(900, description="How long a person may take to sign in and agree.")
    login_attempts: Annotated[int, Field(ge=1, le=1000)] = Field(
        20, description="How many passwords may be tried in one authorization request."
    )
    consent_lifetime: Seconds = Field(
        86400 * 365, description="How long it is remembered what a person allowed; 0 = for ever."
    )
    silent_native_apps: bool = Field(
        False,
        description="Give native apps tokens without asking again, though another app on the device could pass for them.",
    )
    offline_access_outlives_session: bool = Field(
        True, description="Signing out leaves grants with the scope offline_access alone."
    )
    refresh_needs_offline_access: bool = Field(
        False, description="Issue refresh tokens only where the scope offline_access was granted."
    )
    cors_origins: tuple[str, ...] = Field(
        ("*",),
        description="Pages of these origins may call the endpoints that take no cookie (token, userinfo, JWKS …).",
    )

    # others that we speak to
    directory_url: str | None = Field(
        None, description="Ask this webhook who people are, in the place of the users in Redis."
    )
    directory_secret: SecretStr | None = Field(None, description="Sent to the webhook as Bearer token.")
    directory_timeout: float = Field(3.0, gt=0, le=60, description="How long the webhook may take.")
    hooks: dict[str, HookSettings] = Field(
        default_factory=dict,
        description='Code of yours that is asked and told: {"risk": {"url": "https://…", "events": ["refresh"]}}.',
    )
    hook_secrets: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="What is sent to a webhook is signed with its secret (`mintmark hook secret`); two with a blank between "
        "while it is changed.",
    )
    hook_notices_most: int = Field(
        100_000,
        ge=1,
        description="How many notices may wait for hooks; further ones are lost, and said to be in the log.",
    )
    fetch_timeout: float = Field(5.0, gt=0, le=60, description="How long fetching a client's document may take.")
    fetch_max_bytes: int = Field(262_144, ge=1024, description="How large a client's document may be.")
    fetch_private_addresses: bool = Field(
        False,
        description="Also fetch from and post to private and loopback addresses, also without TLS: for development.",
    )
    client_keys_lifetime: Lifetime = Field(
        600, description="How long a client's jwks_uri is believed without looking again."
    )
    assertion_lifetime: Annotated[int, Field(ge=10, le=86400)] = Field(
        600, description="How far away the end of a client's or trusted issuer's assertion may be."
    )
    assertion_audience: Literal["issuer", "endpoint", "several"] = Field(
        "issuer",
        description="Who an assertion may be for (aud). issuer: our issuer alone; endpoint: or the token endpoint, or the one "
        "that is called; several: any of these beside others, so that another server can use it, too.",
    )
    registration: Literal["off", "initial_access_token", "open"] = Field(
        "off", description="Whether clients may register themselves (RFC 7591)."
    )
    registration_grant_types: tuple[GrantTypeName, ...] = Field(
        (GrantTypeName.AUTHORIZATION_CODE, GrantTypeName.REFRESH_TOKEN, GrantTypeName.IMPLICIT),
        description="What a client that registers itself may do; anything that needs no person is for operators to give.",
    )
    self_registered_redirects: Literal["page", "direct"] = Field(
        "page",
        description="Errors for clients that registered openly: page, of ours first, names where they lead; direct, at once.",
    )
    registration_response_types: tuple[ResponseType, ...] = Field(
        tuple(one for one in ResponseType if "token" not in one.parts),
        description="Response types that a client may register for by itself; by default none that puts an access token into "
        "a URL (RFC 9700 2.1.2).",
    )
    registration_max_bytes: Annotated[int, Field(ge=1024, le=65536)] = Field(
        16_384, description="How large a client that registers itself may be, in bytes of its metadata."
    )
    registration_unused_lifetime: Lifetime = Field(
        86400 * 7,
        description="Seconds after which a client that registered itself (open) and was never used is deleted.",
    )
    registration_idle_lifetime: Lifetime = Field(
        86400 * 180,
        description="Seconds after its last use after which a client that registered itself (open) is deleted.",
    )
    registration_unused_most: Annotated[int, Field(ge=1)] = Field(
        10_000, description="How many clients that registered themselves (open) may wait for their first use."
    )
    registration_unused_most_per_network: Annotated[int, Field(ge=1)] = Field(
        100, description="How many of them may be registered from one network (IPv4 /24, IPv6 /48)."
    )
    registration_scopes: tuple[str, ...] = Field(
        (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS),
        description="Scopes that a client may register for by itself; people still have to allow them.",
    )
    logout_attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        8, description="How often a back-channel logout is tried; the pause doubles from 2 s on."
    )

    resource_tokens: dict[str, ResourceTokens] = Field(
        default_factory=dict,
        description='Access tokens by the resource that they are for: {"https://api.example.com": {"format": "jwt"}}.',
    )
    jwt_bearer_refresh: bool = Field(
        False, description="Issue refresh tokens for assertions of others, too: they then outlive what was vouched for."
    )

    # watching
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="json: one object a line; text: for people.")
    access_log_sample: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of requests that get a log line, and then every refused one too; 0 = none.",
    )
    otlp_endpoint: str | None = Field(
        None,
        description="Send traces to this OpenTelemetry collector (OTLP/HTTP): http://collector:4318; needs mintmark[tracing].",
    )
    trace_sample: float = Field(
        0.01, ge=0, le=1, description="The share of requests that are traced, unless a trusted proxy decided already."
    )

    @field_validator("issuer")
    @classmethod
    def _issuer_is_url(cls, issuer: str) -> str:
        check_issuer(issuer)
        return issuer

    @field_validator("host", "admin_host")
    @classmethod
    def _hosts_are_hosts(cls, host: str) -> str:
        check_hosts(host)
        return host

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector_is_url(cls, endpoint: str | None) -> str | None:
        parts = urlsplit(endpoint or "http://none")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an http(s) URL without query and fragment, such as http://collector:4318")
        if "@" in parts.netloc:
            raise ValueError("must be without user name and password: put credentials into OTEL_EXPORTER_OTLP_HEADERS")
        return endpoint

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_url(cls, url: str) -> str:
        redis_url.parse(url)
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        check_each(networks, lambda network: ip_network(network, strict=False))
        return networks

    @field_validator("token_paths")
    @classmethod
    def _paths_are_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        faults = []
        if not paths or not all(map(_PLAIN_PATH.fullmatch, paths)):
            faults.append('must be one or more plain paths such as "/token"')
        if taken := sorted(TAKEN_PATHS.intersection(paths)):
            faults.append(f"{', '.join(taken)}: there is something else; choose other paths")
        refuse(faults)
        return paths

    @field_validator("admin_tokens", "decision_api_keys")
    @classmethod
    def _secrets_tell_who_calls(cls, named: dict[str, SecretStr]) -> dict[str, SecretStr]:
        faults = []
        if short := sorted(name for name, secret in named.items() if len(secret.get_secret_value()) < 32):
            faults.append(f"{', '.join(short)}: must have 32 characters or more; `mintmark admin-token` makes one")
        if any(not _PLAIN_NAME.fullmatch(name) for name in named):
            faults.append("names are letters, digits, dots, dashes and underscores, 64 at most")
        if len({secret.get_secret_value() for secret in named.values()}) < len(named):
            faults.append("two names have the same secret: who calls, and whose ticket it is, is known by it")
        refuse(faults)
        return named

    @field_validator("pairwise_salt")
    @classmethod
    def _salt_is_long(cls, salt: SecretStr | None) -> SecretStr | None:
        if salt is not None and len(salt.get_secret_value()) < 16:
            raise ValueError("must have 16 characters or more, and never change: else everybody is somebody else")
        return salt

    @field_validator("master_key")
    @classmethod
    def _master_keys_are_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and any(len(word) < 32 for word in key.get_secret_value().split() or [""]):
            raise ValueError("must have 32 characters or more each; `mintmark key master` makes one")
        return key

    @field_validator("hooks")
    @classmethod
    def _hooks_have_names(cls, hooks: dict[str, HookSettings]) -> dict[str, HookSettings]:
        if any(not _PLAIN_NAME.fullmatch(name) for name in hooks):
            raise ValueError("names are letters, digits, dots, dashes and underscores, 64 at most")
        return hooks

    @field_validator("hook_secrets")
    @classmethod
    def _hook_secrets_are_secrets(cls, secrets: dict[str, SecretStr]) -> dict[str, SecretStr]:
        check_each(secrets, lambda name: check_words(name, secrets[name].get_secret_value()))
        return secrets

    @model_validator(mode="wrap")
    @classmethod
    def _goes_together(cls, written: dict[str, Any], validate: ModelWrapValidatorHandler[Self]) -> Self:
        return whole(written, validate, _DISAGREEMENTS if cls is Settings else ())

    @cached_property
    def issuer_is_loopback(self) -> bool:
        """Whether the issuer is http on this machine: for development."""
        parts = urlsplit(self.issuer)
        return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")

    @cached_property
    def issuer_is_https(self) -> bool:
        """Whether the issuer is an https URL, however its scheme is written."""
        return urlsplit(self.issuer).scheme == "https"

    @cached_property
    def issuer_path(self) -> str:
        """The path of the issuer, without a slash at its end: it stands in front of the path of every endpoint."""
        return urlsplit(self.issuer).path.rstrip("/")

    @cached_property
    def path_prefixes(self) -> tuple[str, ...]:
        """What may stand in front of a path that is asked for, decoded: nothing, where a proxy cuts the issuer's path off,
        or that path.
        """
        return tuple(dict.fromkeys(("", unquote(self.issuer_path))))

    @cached_property
    def master_keys(self) -> tuple[str, ...]:
        """``master_key``, one by one: the first encrypts, all decrypt."""
        return tuple(self.master_key.get_secret_value().split()) if self.master_key else ()

    @cached_property
    def openid(self) -> bool:
        """Whether there is something to sign ID tokens with."""
        return bool(self.master_key or self.signing_key_files)

    @cached_property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``trusted_proxies``, parsed."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was handed in, the environment, the file, the folder of secrets."""
        return (init_settings, Environment(settings_cls), *file_sources(settings_cls), *secret_sources(settings_cls))


def _hooks_are_unsigned(settings: Settings) -> list[str]:
    return secret_faults(settings.hooks, settings.hook_secrets)


def _jwts_cannot_be_signed(settings: Settings) -> list[str]:
    signed = [name for name, one in settings.resource_tokens.items() if one.format is not AccessTokenFormat.OPAQUE]
    if not signed or settings.openid:
        return []
    return ["resource_tokens: there is no key to sign with: set master_key or signing_key_files"]


def _operators_listener_lacks_files(settings: Settings) -> Iterator[str]:
    if (settings.admin_certificate_file is None) != (settings.admin_key_file is None):
        yield "admin_certificate_file and admin_key_file go together"
    if settings.admin_client_ca_file and not settings.admin_certificate_file:
        yield "admin_client_ca_file: needs admin_certificate_file, for client certificates are a part of TLS"


def _issuer_is_plain_http(settings: Settings) -> list[str]:
    if not settings.require_https or settings.issuer_is_https or settings.issuer_is_loopback:
        return []
    return ["issuer must be https, or loopback http, unless require_https is false"]


_DISAGREEMENTS = (_hooks_are_unsigned, _jwts_cannot_be_signed, _operators_listener_lacks_files, _issuer_is_plain_http)


class _Given(Settings):
    """What is known while a file cannot be read: arguments and environment. Whether they agree with the file is not known."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Without the files."""
        return (init_settings, Environment(settings_cls))


_NO_SUCH = "there is no such setting (see `mintmark settings`)"


def load(**given: Any) -> Settings:
    """The settings of this process; ``given`` ones win. Raises SettingsError that names every fault at once."""
    faults = [f"{name}: {_NO_SUCH}" for name in unknown_variables(os.environ)]
    settings = None
    try:
        settings, further = _read(Settings, given)
        faults += further
    except (OSError, ValueError) as error:  # a file or folder that cannot be read
        faults += [str(error), *_read(_Given, given)[1]]
    if faults or settings is None:
        raise SettingsError("\n".join(faults))
    return settings


def _read(kind: type[Settings], given: Mapping[str, Any]) -> tuple[Settings | None, list[str]]:
    """The settings, or their faults. Raises OSError, ValueError where a source cannot be read."""
    try:
        return kind(**given), []
    except ValidationError as error:
        return None, lines(error, _NO_SUCH)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like ours but name no setting: most likely typing errors."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours = (name for name in environment if name.upper().startswith(PREFIX))
    others = (name for name in ours if name.upper() not in known and name not in OF_COMMANDS)
    return sorted(name for name in others if not name.startswith(NOT_SETTINGS))


def origins(settings: Settings, given: Mapping[str, Any]) -> dict[str, str]:
    """Where each setting's value comes from: ``given`` | ``environment`` | a path | ``default``."""
    layers: list[tuple[str, set[str]]] = [
        ("given", set(InitSettingsSource(Settings, dict(given))())),
        ("environment", set(Environment(Settings)())),
        *((os.environ.get(CONFIG_VARIABLE, ""), set(source())) for source in file_sources(Settings)),
        *((os.environ.get(SECRETS_VARIABLE, ""), set(source())) for source in secret_sources(Settings)),
    ]
    return {
        name: next((layer for layer, names in layers if name in names), "default")
        for name in type(settings).model_fields
    }
