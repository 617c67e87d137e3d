"""Authorization requests whose response is polled, as there is no redirect (RFC 8628 section 3.1)."""

from collections.abc import Mapping

from service.protocol.authorization_request import (
    AuthorizationRequest,
    Check,
    Draft,
    check_acr_values,
    check_appearance,
    check_max_age,
    check_resource,
    check_scope,
    check_size,
)
from service.protocol.authorization_rules import Rules
from service.protocol.names import ResponseMode, ResponseType

POLLED_CHECKS: tuple[Check, ...] = (
    check_size,
    check_scope,
    check_resource,
    check_appearance,
    check_max_age,
    check_acr_values,
)
"""The checks of every such request, in this order."""


def check_polled(parameters: Mapping[str, str], resources: tuple[str, ...], rules: Rules) -> AuthorizationRequest:
    """Check a request, without what only redirects need. Raises InvalidRequest, InvalidScope, InvalidTarget."""
    draft = Draft(parameters, resources, rules)
    for run in POLLED_CHECKS:
        run(draft)
    return AuthorizationRequest(
        client_id=rules.client_id,
        redirect_uri="",
        redirect_uri_given=False,
        response_type=ResponseType.CODE,
        response_mode=ResponseMode.QUERY,
        **draft.found,
    )
