"""Everything that an operator can do, by name: input that is checked, the act, output as JSON.

The command line, the admin API and the console are all made of these, so that none can do what another cannot.
One file a group. What an act does is in ``service.admin``; here are only its name and its output.
"""

from service.admin.operations import (
    audit,
    clients,
    everything,
    grants,
    hooks,
    keys,
    refusals,
    registration,
    resources,
    scopes,
    sessions,
    statistics,
    tokens,
    trusts,
    users,
)
from service.admin.operations.operation import AnyOperation, Do, Operation, OperationResult, Output, perform

_GROUPS = (
    *(clients, users, grants, sessions, keys, hooks, trusts, resources, scopes, registration, tokens),
    *(everything, statistics, audit, refusals),
)
OPERATIONS: tuple[AnyOperation, ...] = tuple(
    value for group in _GROUPS for value in vars(group).values() if isinstance(value, Operation)
)

__all__ = ["OPERATIONS", "AnyOperation", "Do", "Operation", "OperationResult", "Output", "perform"]
