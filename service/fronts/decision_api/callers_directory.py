"""The directory of a caller's users, whose passwords the caller checks."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from service.directory import Directory, Person
from service.issuer import Issuer


class PasswordError(Exception):
    """The caller has to check a password. This is no refusal, but the password cannot be checked here."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__("the caller knows")
        self.username, self.password = username, password


class CallersDirectory:
    """A directory that leaves passwords to the caller; the grant type makes all its checks before that."""

    def __init__(self, own: Directory) -> None:
        self._own = own

    async def verify(self, username: str, password: str, _address: str, _device: str | None = None) -> Person | None:
        """Leave the password to the caller. Raises PasswordError."""
        raise PasswordError(username, password)

    async def claims(self, subject: str, scopes: Collection[str], username: str = "") -> Mapping[str, Any] | None:
        """Return the claims in our own directory, none where it does not know the user."""
        return await self._own.claims(subject, scopes, username) or {}

    async def find(self, username: str) -> Person | None:
        """Return the user of this name in our own directory, None where there is none."""
        return await self._own.find(username)

    async def find_subject(self, subject: str) -> Person | None:
        """Return the user of this subject in our own directory, None where there is none."""
        return await self._own.find_subject(subject)


def with_callers_directory(issuer: Issuer) -> Issuer:
    """Return the issuer with a directory of the caller's users."""
    return replace(issuer, directory=CallersDirectory(issuer.directory))
