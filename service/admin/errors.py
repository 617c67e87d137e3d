"""Why an operator's act was not done."""


class AdminError(Exception):
    """The text is for the operator: what is wrong, one fault a line, and what to do."""


class NotFound(AdminError):
    """There is no such client, user or grant."""


class AlreadyExists(AdminError):
    """The name is taken."""


class Refused(AdminError):
    """The input is faulty, or what is asked for does not go together."""


class NotAllowed(Refused):
    """The client or user that it is asked for may not have it: scope, resource, grant type."""


class Outdated(AdminError):
    """It is no longer as the operator saw it."""
