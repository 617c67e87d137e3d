"""Errors of Redis: whether another attempt helps, and what an operator has to do about them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

TEMPORARY = (
    *("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "MOVED", "ASK", "NOREPLICAS"),
    "MAXCLIENTS",
)
"""Kinds after which the same command may succeed a moment later."""
REFUSED = ("OOM", "MISCONF", "NOAUTH", "WRONGPASS", "NOPERM")
"""Kinds that last until an operator does something."""

UNFORESEEN = "an unforeseen reply"
"""In the text of an error: what answers is no Redis that we know."""

_RIGHTS_IN_SCRIPT = re.compile(r"ACL failure in script|The user executing the script can't")
_RIGHTS_IN_WORDS = re.compile(r"ERR (?:.*@user_script.*: )?(?=ACL failure|The user executing)")


class StoreError(Exception):
    """An error of Redis that a retry does not mend: a fault in our commands or in its set-up."""


class LinkLostError(Exception):
    """The connection could not be made, or is gone with the reply; the command may or may not have been executed."""


class ReplyError(Exception):
    """Redis answered with an error; its first word is the kind: ``MOVED``, ``NOSCRIPT``, ``OOM``."""


class EmbeddedRedisError(RuntimeError):
    """The redis-server of a demo cannot be used. Defined here, as no production server loads ``service.dev``."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Read what a server says about itself or others. Raises LinkLostError where it is not what any Redis says."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise LinkLostError(f"{what}: {UNFORESEEN} ({error!r})") from error


def kind_of(error: Exception) -> str:
    """Return the kind of a Redis error: its first word, or that of the error inside a script.

    Redis 6.2 wraps the latter (``ERR Error running script …: -OOM command …``), and no version has a word for rights that a
    script lacks (``ERR ACL failure in script: …``), for which this returns NOPERM, nor for too many connections
    (``ERR max number of clients reached``): MAXCLIENTS.
    """
    text = str(error)
    word = text.partition(" ")[0]
    if word != "ERR":
        return word
    if _RIGHTS_IN_SCRIPT.search(text):
        return "NOPERM"
    if "max number of clients" in text:
        return "MAXCLIENTS"
    return next((kind for kind in (*TEMPORARY, *REFUSED) if f"-{kind} " in text), word)


def metric_of(error: Exception) -> str:
    """Classify a Redis error for ``metrics.REDIS_ERRORS``; empty where a script only has to be loaded first."""
    word = kind_of(error)
    if word in ("MOVED", "ASK"):
        return "moved"
    if word in TEMPORARY or word in REFUSED:
        return "temporary" if word in TEMPORARY else "refused"
    return "" if word == "NOSCRIPT" else "fault"


def refusal_of(error: Exception) -> str:
    """Describe an error of ``REFUSED`` to operators; a missing right is named."""
    if kind_of(error) == "NOPERM":
        right = _RIGHTS_IN_WORDS.sub("", str(error))
        return f"the Redis user lacks a right: {right} (docs/how-to/redis.md lists all that are needed)"
    return f"Redis refuses: {error}"


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and the chain of its causes."""
    while error is not None:
        yield error
        error = error.__cause__
