"""The operations of operators, by name: checked input, the act, output as JSON.

The command line, the admin API and the console are all made of these, so that none can do what another cannot.
Each group has a file. The acts are in ``service.admin``; here are only their names and outputs.
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
