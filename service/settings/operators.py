"""The listener of operators: admin API, console, decision API, metrics; and the audit log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from service.protocol.addresses import check_hosts
from service.settings.faults import refuse
from service.settings.group import NO_PLAIN_NAME, Lifetime, SettingsGroup, are_plain_names, checked_by

_SHORTEST = 32


def _check_secrets(secrets: dict[str, SecretStr]) -> None:
    faults = []
    if short := [name for name, secret in secrets.items() if len(secret.get_secret_value()) < _SHORTEST]:
        names = sorted(
            "(a long name: are name and secret swapped?)" if len(name) >= _SHORTEST else name for name in short
        )
        faults.append(f"{', '.join(names)}: must have {_SHORTEST} characters or more; `mintmark admin-token` makes one")
    if not are_plain_names(secrets):
        faults.append(NO_PLAIN_NAME)
    if len({secret.get_secret_value() for secret in secrets.values()}) < len(secrets):
        faults.append("two names have the same secret: who calls, and whose ticket it is, is known by it")
    refuse(faults)


SecretsByCaller = Annotated[dict[str, SecretStr], checked_by(_check_secrets)]


class OperatorsSettings(SettingsGroup):
    """Operators."""

    admin_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port of the operators' listener: admin API, console, decision API, metrics. Not set: there is none."""
    admin_host: Annotated[str, checked_by(check_hosts)] = "127.0.0.1"
    """Addresses that the operators' listener listens on, written like host."""
    admin_tokens: SecretsByCaller = Field(default_factory=dict, examples=[{"ci": "…"}])
    """Tokens of operators by name, for the admin API and the console (`mintmark admin-token`)."""
    console_idle_lifetime: Lifetime = 1800
    """Seconds since its last use after which an operator's session at the console ends."""
    console_lifetime: Lifetime = 43_200
    """Seconds after which an operator's session at the console ends, however much it is used."""
    decision_api_keys: SecretsByCaller = Field(default_factory=dict, examples=[{"shop": "…"}])
    """API secrets of the decision API's callers by API key (`mintmark admin-token`)."""
    admin_certificate_file: Path | None = None
    """Certificate of the operators' listener (PEM, with its chain): the listener then speaks TLS."""
    admin_key_file: Path | None = None
    """Private key of admin_certificate_file (PEM)."""
    admin_client_ca_file: Path | None = None
    """Certificate authority (PEM) whose client certificates make their holders operators, named by the certificate's common
    name."""
    audit_length: Annotated[int, Field(ge=100, le=100_000_000)] = 100_000
    """Approximate number of audit log entries kept in Redis. The oldest ones go first."""
    audit_file: Path | None = None
    """File to which the audit log is appended, too, one JSON line an act. While it cannot be opened, operators can change
    nothing; a line that cannot be written after an act is in the service's log as an error."""


def listener_faults(settings: OperatorsSettings) -> Iterator[str]:
    """Yield settings that are missing for TLS at the operators' listener."""
    if (settings.admin_certificate_file is None) != (settings.admin_key_file is None):
        yield "admin_certificate_file and admin_key_file go together"
    if settings.admin_client_ca_file and not settings.admin_certificate_file:
        yield "admin_client_ca_file: needs admin_certificate_file, for client certificates are a part of TLS"
