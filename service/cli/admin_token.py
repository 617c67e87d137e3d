"""``mintmark admin-token``: a credential for operators and for backends that call the decision API."""

import secrets

from service.cli.json_output import Json, emit_secret
from service.protocol.credentials import Kind, new_secret


def admin_token(json: Json = False) -> None:
    """Print a fresh token for the setting admin_tokens, or a secret for decision_api_keys; nothing is stored.

    Example: `mintmark admin-token > operator.token`

    It goes into a setting by name: `MINTMARK_ADMIN_TOKENS='{"me": "…"}'`, with `MINTMARK_ADMIN_PORT=8081`.
    """
    emit_secret("admin_token", new_secret(Kind.OPERATOR_TOKEN, secrets.token_bytes), json)
