"""The rights that the operator's account needs, as the chart grants them, and a check for missing ones."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from service.declared import GROUP, KINDS
from service.operator.api_server import ApiServer

_PLURALS = tuple(f"{kind.lower()}s" for kind in KINDS)


class Right(NamedTuple):
    """The right to use one verb on one resource."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


WATCHING = tuple(Right(verb, GROUP, one) for one in _PLURALS for verb in ("get", "list", "watch", "patch"))
"""The rights without which no object can be watched."""
RIGHTS = (
    *WATCHING,
    *(Right("patch", GROUP, f"{one}/status") for one in _PLURALS),
    *(Right(verb, "", "secrets") for verb in ("get", "create", "update", "delete")),
    Right("create", "", "events"),
)
"""All rights. If one of the others is missing, objects are watched, and their conditions say what could not be done."""
OF_NAMESPACES = tuple(Right(verb, "", "namespaces") for verb in ("list", "watch"))
"""Further rights that are needed where labels select namespaces."""


async def missing_rights(api_server: ApiServer, namespace: str, rights: Iterable[Right]) -> tuple[Right, ...]:
    """Return the rights that our account lacks.

    One request lists most rights. Each right that it does not list is checked alone, as some authorizers list nothing.

    Args:
        api_server: The API server.
        namespace: The namespace; "" for all, where there is no list.
        rights: The needed rights.

    Raises:
        ApiServerError: There is no answer.
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
