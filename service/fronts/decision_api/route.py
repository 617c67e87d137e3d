"""One call of the decision API: where it is, what it takes, and who answers it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from service.fronts.decision_api.answering import CallResult, Document
from service.fronts.decision_api.body import Body, Nothing
from service.issuer import Issuer


class Call(NamedTuple):
    """Who calls. ``path``: the parts of the path that are variable; ``address``: of the caller, as text."""

    issuer: Issuer
    api_key: str
    path: Mapping[str, str] = {}
    address: str = ""


class Route(NamedTuple):
    """``path``: below ``/api``, with ``{names}``; ``body``: what POST brings in its body, GET and DELETE in the query."""

    path: str
    answer: Callable[[Call, Any], Awaitable[CallResult | Document]]
    body: type[Body] = Nothing
    methods: tuple[str, ...] = ("POST",)
