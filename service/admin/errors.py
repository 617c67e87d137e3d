"""Errors of operators' acts."""

from service.protocol.redaction import redacted


class AdminError(Exception):
    """An act failed; the text tells the operator what is wrong, one fault a line, and what to do.

    Credentials that were written in place of a name are redacted.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(redacted(text))


class NotFound(AdminError):
    """There is no such client, user or grant."""


class AlreadyExists(AdminError):
    """The name is taken."""


class InvalidInput(AdminError):
    """The input is faulty, or contradicts itself."""


class FaultyInput(InvalidInput):
    """The input of an operation is faulty by itself, whatever else there is."""


class NotAllowed(InvalidInput):
    """The client or user may not have a scope, resource or grant type."""


class Outdated(AdminError):
    """The record has changed since the operator read it."""


class Contended(AdminError):
    """Others change the record at the same time; the same input may succeed when it is sent again."""
