"""The secrets in the settings, made known for redaction, as operators choose them and no pattern matches them."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from service.protocol.redaction import know
from service.settings import Settings, redis_url


def know_secrets_of(settings: Settings) -> None:
    """Keep the secrets of these settings out of every log, audit entry and error."""
    password = redis_url.parse(settings.redis_url).password
    know([*([password] if password else []), *_secrets_in(vars(settings))])


def _secrets_in(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _secrets_in(member)
