"""The admin API: the operations of ``service.admin.operations`` over HTTP, at the operators' port, for operators.

JSON in and out, errors as problem details (RFC 9457).
"""

from service.fronts.admin_api.application import add_admin_api, is_on, routes_while_off

__all__ = ["add_admin_api", "is_on", "routes_while_off"]
