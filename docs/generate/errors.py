"""Every error code that clients may get, from the class of each."""

import inspect
import re
from collections.abc import Iterator

from docs.generate.tables import anchor, table
from service.protocol.errors import ProtocolError
from service.protocol.refusal_reasons import REFUSALS

_HEAD = """# Error codes

What a client gets: `error`, `error_description` where there is something to say, never more than it may know. In JSON from
the endpoints that clients call; in the redirect from the authorization endpoint, once client and redirect URI are known; else
on a page. Whatever is not foreseen is `server_error` with an id that the log has, too. The operator sees the reason:
[refused requests](refusals.md).

"""


def page() -> str:
    """The whole page."""
    reasons: dict[str, int] = {}
    for one in REFUSALS:
        reasons[one.error] = reasons.get(one.error, 0) + 1
    rows = (
        (f"{anchor(error)}`{error}`", str(kind.status), _text(kind), str(reasons.get(error, "")))
        for error, kind in sorted({kind.error: kind for kind in reversed(list(_kinds()))}.items())
    )
    return _HEAD + table(("error", "HTTP status", "what it says", "reasons in the log"), rows)


def _kinds(kind: type[ProtocolError] = ProtocolError) -> Iterator[type[ProtocolError]]:
    for one in kind.__subclasses__():
        if "error" in vars(one):
            yield one
        yield from _kinds(one)


def _text(kind: type[ProtocolError]) -> str:
    text = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("``", "`")
    source, _, rest = text.partition(": ")
    if not re.match(r"RFC \d+[^:]*$", source):
        return text
    return f"{rest[0].upper()}{rest[1:].rstrip('.')} ({source})."
