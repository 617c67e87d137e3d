"""Signing keys, and secrets that keys and subjects are derived from."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from service.protocol.names import KeyManagement, SigningAlgorithm
from service.settings.group import Seconds, SettingsGroup, WithinADay, checked_by


def _check_master_keys(key: SecretStr | None) -> None:
    if key is not None and any(len(word) < 32 for word in key.get_secret_value().split() or [""]):
        raise ValueError("must have 32 characters or more each; `mintmark key master` makes one")


def _check_salt(salt: SecretStr | None) -> None:
    if salt is not None and len(salt.get_secret_value()) < 16:
        raise ValueError("must have 16 characters or more, and never change: otherwise every user gets another subject")


class KeysSettings(SettingsGroup):
    """Signing and OpenID Connect."""

    master_key: Annotated[SecretStr | None, checked_by(_check_master_keys)] = None
    """Secret that encrypts the signing keys in Redis, 32 characters or more (`mintmark key master`). To change it, put the new
    one before the old one with a blank between: the first encrypts, all decrypt."""
    signing_key_files: tuple[Path, ...] = ()
    """Signing keys of your own (PEM or JWK) in place of generated ones. The first of a kind signs."""
    signing_algorithms: tuple[SigningAlgorithm, ...] = tuple(SigningAlgorithm)
    """Signing algorithms that clients may choose. A client that chooses none has RS256."""
    signing_rsa_bits: Literal[2048, 3072, 4096] = 2048
    """Length of generated RSA keys in bits."""
    signing_key_lifetime: Seconds = 86400 * 90
    """Seconds that a signing key signs before the next one does. 0: until `mintmark key rotate`."""
    encryption_algorithms: tuple[KeyManagement, ...] = Field((), examples=[["RSA-OAEP-256", "ECDH-ES"]])
    """Algorithms by which clients may encrypt what they send us: request objects and ID token hints. We have a key for each in
    our JWKS (`use` enc), which lives and rotates like a signing key; A128KW, A256KW and dir take the client's secret. Needs
    master_key. Empty: encrypted objects are refused."""
    jwks_lifetime: WithinADay = 300
    """Seconds that clients may cache our JWKS. A new key is published that long before it signs."""
    id_token_lifetime: WithinADay = 3600
    """Lifetime of ID tokens in seconds."""
    pairwise_salt: Annotated[SecretStr | None, checked_by(_check_salt)] = None
    """Secret from which pairwise subjects are derived. Never change it: every user would become another one."""

    @cached_property
    def master_keys(self) -> tuple[str, ...]:
        """The keys in ``master_key``: the first encrypts, all decrypt."""
        return tuple(self.master_key.get_secret_value().split()) if self.master_key else ()

    @cached_property
    def openid(self) -> bool:
        """Whether there is a key to sign ID tokens with."""
        return bool(self.master_key or self.signing_key_files)
