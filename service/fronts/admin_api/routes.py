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


class Route(NamedTuple):
    """``path``: below ``PREFIX``; names in braces are members of the operation's input. Of the others, POST, PUT and PATCH
    are in a JSON body, GET and DELETE in the query.
    """

    method: str
    path: str
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
    Route("GET", "/clients", clients.LIST),
    Route("POST", "/clients", clients.CREATE, 201),
    Route("GET", "/clients/{client_id}", clients.SHOW),
    Route("PATCH", "/clients/{client_id}", clients.UPDATE),
    Route("PUT", "/clients/{client_id}", clients.REPLACE),
    Route("DELETE", "/clients/{client_id}", clients.DELETE),
    Route("POST", "/clients/{client_id}/secrets", clients.ROTATE_SECRET),
    Route("DELETE", "/clients/{client_id}/secrets/old", clients.DROP_OLD_SECRET),
    Route("POST", "/clients/{client_id}/disable", clients.DISABLE),
    Route("POST", "/clients/{client_id}/enable", clients.ENABLE),
    Route("POST", "/clients/{client_id}/approve", clients.APPROVE),
    Route("POST", "/clients/{client_id}/withdraw-approval", clients.WITHDRAW_APPROVAL),
    Route("POST", "/clients/{client_id}/revoke", clients.REVOKE),
    Route("POST", "/clients/{client_id}/sweep", clients.SWEEP),
    Route("GET", "/users", users.LIST),
    Route("POST", "/users", users.CREATE, 201),
    Route("GET", "/users/{username}", users.SHOW),
    Route("PATCH", "/users/{username}", users.UPDATE),
    Route("DELETE", "/users/{username}", users.DELETE),
    Route("PUT", "/users/{username}/password", users.SET_PASSWORD),
    Route("POST", "/users/{username}/sign-out", users.SIGN_OUT),
    Route("POST", "/users/{username}/disable", users.DISABLE),
    Route("POST", "/users/{username}/enable", users.ENABLE),
    Route("GET", "/users/{username}/sessions", sessions.LIST),
    Route("GET", "/sessions/{sid}", sessions.SHOW),
    Route("DELETE", "/sessions/{sid}", sessions.END),
    Route("GET", "/grants", grants.LIST),
    Route("GET", "/grants/{grant_id}", grants.SHOW),
    Route("DELETE", "/grants/{grant_id}", grants.REVOKE),
    Route("GET", "/grants/{grant_id}/issued", tokens.LIST_ISSUED),
    Route("POST", "/grants/find", grants.FIND),
    Route("POST", "/grants/revoke", grants.REVOKE_OF_USER),
    Route("POST", "/codes", grants.ISSUE_CODE, 201),
    Route("GET", "/everything", everything.COUNT),
    Route("POST", "/everything/end", everything.END),
    Route("GET", "/keys", keys.LIST),
    Route("POST", "/keys/rotate", keys.ROTATE),
    Route("POST", "/keys/reseal", keys.RESEAL),
    Route("DELETE", "/keys/{kid}", keys.RETIRE),
    Route("GET", "/hooks", hooks.LIST),
    Route("POST", "/hooks/{hook}/test", hooks.TRY),
    Route("GET", "/trusted-issuers", trusts.LIST),
    Route("GET", "/trusted-issuers/{issuer}", trusts.SHOW),
    Route("PUT", "/trusted-issuers/{issuer}", trusts.PUT),
    Route("DELETE", "/trusted-issuers/{issuer}", trusts.REMOVE),
    Route("GET", "/scopes", scopes.LIST),
    Route("POST", "/introspect", tokens.INSPECT),
    Route("GET", "/statistics", statistics.SHOW),
    Route("GET", "/statistics/history", statistics.HISTORY),
    Route("POST", "/initial-access-tokens", registration.CREATE_TOKEN, 201),
    Route("GET", "/refused", refusals.LIST),
    Route("GET", "/audit", audit.LIST),
    Route("GET", "/audit/new", audit.FOLLOW),
)

BY_OPERATION = {route.operation.name: route for route in ROUTES}
