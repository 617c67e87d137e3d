"""The users of a caller: the caller checks their passwords."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from service.directory import Directory, Person
from service.issuer import Issuer


class PasswordError(Exception):
    """The caller has to check a password: not a refusal, but the end of what can be decided here."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__("the caller knows")
        self.username, self.password = username, password


class CallersDirectory:
    """In the place of a directory: everything before the password is checked by the grant type, as it always is."""

    def __init__(self, own: Directory) -> None:
        self._own = own

    async def verify(self, username: str, password: str, _address: str, _device: str | None = None) -> Person | None:
        """Raises PasswordError."""
        raise PasswordError(username, password)

    async def claims(self, subject: str, scopes: Collection[str], username: str = "") -> Mapping[str, Any] | None:
        """What our own directory knows, should it know the user."""
        return await self._own.claims(subject, scopes, username) or {}

    async def find(self, username: str) -> Person | None:
        """Who our own directory knows by this name."""
        return await self._own.find(username)

    async def find_subject(self, subject: str) -> Person | None:
        """Who our own directory knows by this subject."""
        return await self._own.find_subject(subject)


def with_callers_directory(issuer: Issuer) -> Issuer:
    """The issuer, for tokens about users of the caller."""
    return replace(issuer, directory=CallersDirectory(issuer.directory))
