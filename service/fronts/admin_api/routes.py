"""The routes of all operations: the table for the server, the OpenAPI document and ``mintmark --url``.

Callers name what they create (client_id, username, issuer). If a response got lost the request can be sent again: it takes
effect once, and the second response is 409 ``already_exists``. Ending and enabling are idempotent.
"""

from string import Formatter
from typing import NamedTuple

from service.admin import operations
from service.admin.operations import AnyOperation

PREFIX = "/admin/v1"
OPENAPI_PATH = "/openapi.json"
IF_MATCH = "if_match"
"""The member of an input that comes as the header If-Match."""
_IN_BODY = ("POST", "PUT", "PATCH")


class OperationRoute(NamedTuple):
    """The route of an operation.

    Members of its input that are not in the path come in a JSON body by POST, PUT and PATCH, in the query by GET and DELETE.
    """

    method: str
    path: str
    """The path below ``PREFIX``; names in braces are members of the input."""
    operation: AnyOperation
    status: int = 200

    @property
    def path_members(self) -> tuple[str, ...]:
        """The members of the input that are in the path."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.path) if name)

    @property
    def other_members(self) -> tuple[str, ...]:
        """The members of the input that are in the body or in the query."""
        return tuple(name for name in self.operation.input.model_fields if name not in (*self.path_members, IF_MATCH))

    @property
    def has_body(self) -> bool:
        """Whether members outside of the path are in the body."""
        return self.method in _IN_BODY

    @property
    def is_conditional(self) -> bool:
        """Whether If-Match may be sent."""
        return IF_MATCH in self.operation.input.model_fields

    @property
    def needs_match(self) -> bool:
        """Whether If-Match must be sent."""
        return self.operation.needs_match


ROUTES = (
    OperationRoute("GET", "/clients", operations.clients.LIST),
    OperationRoute("POST", "/clients", operations.clients.CREATE, 201),
    OperationRoute("POST", "/preview/client", operations.clients.PREVIEW),
    OperationRoute("GET", "/clients/{client_id}", operations.clients.SHOW),
    OperationRoute("PATCH", "/clients/{client_id}", operations.clients.UPDATE),
    OperationRoute("PUT", "/clients/{client_id}", operations.clients.REPLACE),
    OperationRoute("DELETE", "/clients/{client_id}", operations.clients.DELETE),
    OperationRoute("GET", "/clients/{client_id}/check", operations.clients.CHECK),
    OperationRoute("POST", "/clients/{client_id}/secrets", operations.clients.ROTATE_SECRET),
    OperationRoute("DELETE", "/clients/{client_id}/secrets/old", operations.clients.DROP_OLD_SECRET),
    OperationRoute("POST", "/clients/{client_id}/disable", operations.clients.DISABLE),
    OperationRoute("POST", "/clients/{client_id}/enable", operations.clients.ENABLE),
    OperationRoute("POST", "/clients/{client_id}/approve", operations.clients.APPROVE),
    OperationRoute("POST", "/clients/{client_id}/withdraw-approval", operations.clients.WITHDRAW_APPROVAL),
    OperationRoute("POST", "/clients/{client_id}/revoke", operations.clients.REVOKE),
    OperationRoute("POST", "/clients/{client_id}/sweep", operations.clients.SWEEP),
    OperationRoute("GET", "/users", operations.users.LIST),
    OperationRoute("POST", "/users", operations.users.CREATE, 201),
    OperationRoute("GET", "/users/{username}", operations.users.SHOW),
    OperationRoute("PATCH", "/users/{username}", operations.users.UPDATE),
    OperationRoute("DELETE", "/users/{username}", operations.users.DELETE),
    OperationRoute("PUT", "/users/{username}/password", operations.users.SET_PASSWORD),
    OperationRoute("PUT", "/users/{username}/user-code", operations.users.SET_USER_CODE),
    OperationRoute("POST", "/users/{username}/sign-out", operations.users.SIGN_OUT),
    OperationRoute("POST", "/users/{username}/disable", operations.users.DISABLE),
    OperationRoute("POST", "/users/{username}/enable", operations.users.ENABLE),
    OperationRoute("GET", "/users/{username}/sessions", operations.sessions.LIST),
    OperationRoute("GET", "/sessions/{sid}", operations.sessions.SHOW),
    OperationRoute("DELETE", "/sessions/{sid}", operations.sessions.END),
    OperationRoute("GET", "/grants", operations.grants.LIST),
    OperationRoute("GET", "/grants/{grant_id}", operations.grants.SHOW),
    OperationRoute("DELETE", "/grants/{grant_id}", operations.grants.REVOKE),
    OperationRoute("GET", "/grants/{grant_id}/issued", operations.tokens.LIST_ISSUED),
    OperationRoute("POST", "/grants/find", operations.grants.FIND),
    OperationRoute("POST", "/grants/revoke", operations.grants.REVOKE_OF_USER),
    OperationRoute("POST", "/codes", operations.grants.ISSUE_CODE, 201),
    OperationRoute("GET", "/everything", operations.everything.COUNT),
    OperationRoute("POST", "/everything/end", operations.everything.END),
    OperationRoute("GET", "/keys", operations.keys.LIST),
    OperationRoute("POST", "/keys/rotate", operations.keys.ROTATE),
    OperationRoute("POST", "/keys/reseal", operations.keys.RESEAL),
    OperationRoute("DELETE", "/keys/{kid}", operations.keys.RETIRE),
    OperationRoute("GET", "/hooks", operations.hooks.LIST),
    OperationRoute("POST", "/hooks/{hook}/test", operations.hooks.TRY),
    OperationRoute("GET", "/trusted-issuers", operations.trusts.LIST),
    OperationRoute("GET", "/trusted-issuers/{issuer}", operations.trusts.SHOW),
    OperationRoute("PUT", "/trusted-issuers/{issuer}", operations.trusts.PUT),
    OperationRoute("DELETE", "/trusted-issuers/{issuer}", operations.trusts.REMOVE),
    OperationRoute("GET", "/resources", operations.resources.LIST),
    OperationRoute("POST", "/resources", operations.resources.CREATE, 201),
    OperationRoute("GET", "/resources/{resource}", operations.resources.SHOW),
    OperationRoute("PATCH", "/resources/{resource}", operations.resources.UPDATE),
    OperationRoute("DELETE", "/resources/{resource}", operations.resources.DELETE),
    OperationRoute("GET", "/scopes", operations.scopes.LIST),
    OperationRoute("POST", "/introspect", operations.tokens.INSPECT),
    OperationRoute("GET", "/statistics", operations.statistics.SHOW),
    OperationRoute("GET", "/statistics/history", operations.statistics.HISTORY),
    OperationRoute("POST", "/initial-access-tokens", operations.registration.CREATE_TOKEN, 201),
    OperationRoute("GET", "/refused", operations.refusals.LIST),
    OperationRoute("GET", "/audit", operations.audit.LIST),
    OperationRoute("GET", "/audit/new", operations.audit.FOLLOW),
)

BY_OPERATION = {route.operation.name: route for route in ROUTES}
