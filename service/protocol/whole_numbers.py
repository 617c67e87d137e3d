"""Whole numbers as text: parameters, form fields, cursors, headers."""


def whole_number(text: str, digits: int = 10) -> int | None:
    """Return what at most so many ASCII digits say, None for any other text.

    ``str.isdigit`` is true of superscripts and of digits of other scripts, too, and ``int`` fails from 4,300 digits on.
    """
    return int(text) if len(text) <= digits and text.isascii() and text.isdigit() else None
