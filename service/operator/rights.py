"""What the operator's account must be allowed, as the rules of the chart give it, and what of it is missing."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from service.declared import GROUP, KINDS
from service.operator.api_server import ApiServer

_PLURALS = tuple(f"{kind.lower()}s" for kind in KINDS)


class Right(NamedTuple):
    """One verb of one resource."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


WATCHING = tuple(Right(verb, GROUP, one) for one in _PLURALS for verb in ("get", "list", "watch", "patch"))
"""Without these no object can be looked at."""
RIGHTS = (
    *WATCHING,
    *(Right("patch", GROUP, f"{one}/status") for one in _PLURALS),
    *(Right(verb, "", "secrets") for verb in ("get", "create", "update", "delete")),
    Right("create", "", "events"),
)
"""Without the others objects are looked at, and say what could not be done."""
OF_NAMESPACES = tuple(Right(verb, "", "namespaces") for verb in ("list", "watch"))
"""Where labels choose namespaces."""


async def missing_rights(api_server: ApiServer, namespace: str, rights: Iterable[Right]) -> tuple[Right, ...]:
    """Return what our account may not do.

    One request says nearly all of it; what it does not list is asked about alone, for some authorizers list nothing.

    Args:
        api_server: Is asked.
        namespace: Where; "" for all namespaces, for which there is no list.
        rights: What it must be allowed.

    Raises:
        ApiServerError: The API server does not say.
    """
    rules = await api_server.rules_of(namespace) if namespace else []
    unlisted = [right for right in rights if not any(_gives(rule, right) for rule in rules)]
    return tuple([right for right in unlisted if not await api_server.may(*right, namespace)])


def _gives(rule: Mapping[str, Any], right: Right) -> bool:
    def has(members: str, wanted: str) -> bool:
        return bool({wanted, "*"} & set(rule.get(members) or ()))

    is_for_all = not rule.get("resourceNames")
    return (
        is_for_all and has("verbs", right.verb) and has("apiGroups", right.group) and has("resources", right.resource)
    )
