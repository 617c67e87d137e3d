"""Everything that an operator can do, by name: input that is checked, the act, output as JSON. The command line and the admin
API are both made of these, so that neither can do what the other cannot.

One file a group. What an act does is in ``service.admin``; here are only its name, input and output.
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
    scopes,
    sessions,
    statistics,
    tokens,
    trusts,
    users,
)
from service.admin.operations.operation import Operation, OperationResult, Output, perform

GROUPS = (
    clients,
    users,
    grants,
    sessions,
    keys,
    hooks,
    trusts,
    scopes,
    registration,
    tokens,
    everything,
    statistics,
    audit,
    refusals,
)
OPERATIONS = tuple(operation for group in GROUPS for operation in group.OPERATIONS)

__all__ = ["GROUPS", "OPERATIONS", "Operation", "OperationResult", "Output", "perform"]
