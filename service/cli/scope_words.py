"""Scopes in options: words with blanks between them."""

from collections.abc import Iterable

from service.cli.output import say
from service.protocol.scopes import comma_hint


def scope_words(texts: Iterable[str]) -> list[str]:
    """Return the scopes of an option that may be repeated."""
    return [word for text in texts for word in text.split()]


def hint_at_commas(scopes: Iterable[str] | None) -> None:
    """Say so where a scope has a comma in it."""
    if hint := comma_hint(scopes or ()):
        say(hint)
