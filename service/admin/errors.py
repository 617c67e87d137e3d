"""Why an operator's act was not done."""

from service.protocol.redaction import redacted


class AdminError(Exception):
    """An act that was not done; its text is for the operator: what is wrong, one fault a line, and what to do.

    Credentials that were written where a name is wanted are cut out.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(redacted(text))


class NotFound(AdminError):
    """There is no such client, user or grant."""


class AlreadyExists(AdminError):
    """The name is taken."""


class InvalidInput(AdminError):
    """The input is faulty, or what is asked for does not go together."""


class NotAllowed(InvalidInput):
    """The client or user that it is asked for may not have it: scope, resource, grant type."""


class Outdated(AdminError):
    """It is no longer as the operator saw it."""
