"""Where each operation is: the one table that the server, the OpenAPI document and ``mintmark --url`` are made of.

A creation is named by its caller (client_id, username, issuer), so one whose answer got lost can be sent again: it is done
once, the second answer is 409 ``already_exists``. Ending and enabling twice is ending and enabling once.
"""

from string import Formatter
from typing import Any, NamedTuple

from service.admin.operations import (
    Operation,
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

PREFIX = "/admin/v1"
OPENAPI_PATH = "/openapi.json"
IF_MATCH = "if_match"
"""Member of an input that comes as the header If-Match."""
_IN_BODY = ("POST", "PUT", "PATCH")


class OperationRoute(NamedTuple):
    """Where an operation is.

    Members of its input that are not in the path come in a JSON body by POST, PUT and PATCH, in the query by GET and DELETE.
    """

    method: str
    path: str
    """Below ``PREFIX``; names in braces are members of the input."""
    operation: Operation[Any]
    status: int = 200

    @property
    def path_members(self) -> tuple[str, ...]:
        """Members of the input that are in the path."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.path) if name)

    @property
    def other_members(self) -> tuple[str, ...]:
        """Members of the input that are in the body or in the query."""
        return tuple(name for name in self.operation.input.model_fields if name not in (*self.path_members, IF_MATCH))

    @property
    def has_body(self) -> bool:
        """Whether what is not in the path is in the body."""
        return self.method in _IN_BODY

    @property
    def is_conditional(self) -> bool:
        """Whether If-Match must be sent."""
        return IF_MATCH in self.operation.input.model_fields


ROUTES = (
    OperationRoute("GET", "/clients", clients.LIST),
    OperationRoute("POST", "/clients", clients.CREATE, 201),
    OperationRoute("GET", "/clients/{client_id}", clients.SHOW),
    OperationRoute("PATCH", "/clients/{client_id}", clients.UPDATE),
    OperationRoute("PUT", "/clients/{client_id}", clients.REPLACE),
    OperationRoute("DELETE", "/clients/{client_id}", clients.DELETE),
    OperationRoute("POST", "/clients/{client_id}/secrets", clients.ROTATE_SECRET),
    OperationRoute("DELETE", "/clients/{client_id}/secrets/old", clients.DROP_OLD_SECRET),
    OperationRoute("POST", "/clients/{client_id}/disable", clients.DISABLE),
    OperationRoute("POST", "/clients/{client_id}/enable", clients.ENABLE),
    OperationRoute("POST", "/clients/{client_id}/approve", clients.APPROVE),
    OperationRoute("POST", "/clients/{client_id}/withdraw-approval", clients.WITHDRAW_APPROVAL),
    OperationRoute("POST", "/clients/{client_id}/revoke", clients.REVOKE),
    OperationRoute("POST", "/clients/{client_id}/sweep", clients.SWEEP),
    OperationRoute("GET", "/users", users.LIST),
    OperationRoute("POST", "/users", users.CREATE, 201),
    OperationRoute("GET", "/users/{username}", users.SHOW),
    OperationRoute("PATCH", "/users/{username}", users.UPDATE),
    OperationRoute("DELETE", "/users/{username}", users.DELETE),
    OperationRoute("PUT", "/users/{username}/password", users.SET_PASSWORD),
    OperationRoute("POST", "/users/{username}/sign-out", users.SIGN_OUT),
    OperationRoute("POST", "/users/{username}/disable", users.DISABLE),
    OperationRoute("POST", "/users/{username}/enable", users.ENABLE),
    OperationRoute("GET", "/users/{username}/sessions", sessions.LIST),
    OperationRoute("GET", "/sessions/{sid}", sessions.SHOW),
    OperationRoute("DELETE", "/sessions/{sid}", sessions.END),
    OperationRoute("GET", "/grants", grants.LIST),
    OperationRoute("GET", "/grants/{grant_id}", grants.SHOW),
    OperationRoute("DELETE", "/grants/{grant_id}", grants.REVOKE),
    OperationRoute("GET", "/grants/{grant_id}/issued", tokens.LIST_ISSUED),
    OperationRoute("POST", "/grants/find", grants.FIND),
    OperationRoute("POST", "/grants/revoke", grants.REVOKE_OF_USER),
    OperationRoute("POST", "/codes", grants.ISSUE_CODE, 201),
    OperationRoute("GET", "/everything", everything.COUNT),
    OperationRoute("POST", "/everything/end", everything.END),
    OperationRoute("GET", "/keys", keys.LIST),
    OperationRoute("POST", "/keys/rotate", keys.ROTATE),
    OperationRoute("POST", "/keys/reseal", keys.RESEAL),
    OperationRoute("DELETE", "/keys/{kid}", keys.RETIRE),
    OperationRoute("GET", "/hooks", hooks.LIST),
    OperationRoute("POST", "/hooks/{hook}/test", hooks.TRY),
    OperationRoute("GET", "/trusted-issuers", trusts.LIST),
    OperationRoute("GET", "/trusted-issuers/{issuer}", trusts.SHOW),
    OperationRoute("PUT", "/trusted-issuers/{issuer}", trusts.PUT),
    OperationRoute("DELETE", "/trusted-issuers/{issuer}", trusts.REMOVE),
    OperationRoute("GET", "/scopes", scopes.LIST),
    OperationRoute("POST", "/introspect", tokens.INSPECT),
    OperationRoute("GET", "/statistics", statistics.SHOW),
    OperationRoute("GET", "/statistics/history", statistics.HISTORY),
    OperationRoute("POST", "/initial-access-tokens", registration.CREATE_TOKEN, 201),
    OperationRoute("GET", "/refused", refusals.LIST),
    OperationRoute("GET", "/audit", audit.LIST),
    OperationRoute("GET", "/audit/new", audit.FOLLOW),
)

BY_OPERATION = {route.operation.name: route for route in ROUTES}
