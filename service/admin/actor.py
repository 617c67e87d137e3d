"""The actor of operations: bound once for everything inside, and written to the audit log with each act."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from service.records.audit_entry import Way


class Actor(NamedTuple):
    """An operator, or a caller of the decision API."""

    name: str
    """The name of the token, certificate or account."""
    way: Way
    address: str = ""


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor | None:
    """Return the actor that is bound, None where no operator acts."""
    return _actor.get()


@contextmanager
def acting(actor: Actor | None) -> Iterator[None]:
    """Bind the actor of everything inside."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)
