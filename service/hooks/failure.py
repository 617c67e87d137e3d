"""What can go wrong with a hook, as one kind of error."""


class HookError(Exception):
    """The hook gave no answer that counts: down, slow, not as agreed. The text is for operators; it holds no secret."""
