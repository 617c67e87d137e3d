"""The token inspector: the description of a pasted token.

The token comes in the body of a form, and is not stored, logged, put into a URL, or shown again.
"""

from service.admin.operations import clients, tokens
from service.fronts.console.grants import usernames_of
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Show

NAMES = {
    "access_token": "Access token",
    "refresh_token": "Refresh token",
    "authorization_code": "Authorization code",
    "polled_request": "Device code or auth_req_id",
    "jwt_access_token": "Access token (JWT)",
    "stateless_access_token": "Access token (JWT, kept nowhere)",
    "id_token": "ID token",
    "assertion": "Assertion of a trusted issuer",
    "jwt": "JWT",
    "other_credential": "Credential that is no token",
    "unknown": "Nothing that is known here",
}
_TIMES = ("iat", "nbf", "exp", "auth_time")


async def show(_: ConsoleRequest) -> ConsoleReply:
    """Show an empty field."""
    return Show("inspector", {"here": "inspector", "found": None, "empty": False})


async def inspect(request: ConsoleRequest) -> ConsoleReply:
    """Show the description of the token."""
    token = request.get("token")
    if not token:
        return Show("inspector", {"here": "inspector", "found": None, "empty": True}, 422)
    found = tokens.InspectedToken.model_validate(dict(await request.do(tokens.INSPECT, token=token)))
    values = {
        "found": found,
        "name": NAMES[found.what],
        "client": await request.find(clients.SHOW, client_id=found.client_id) if found.client_id else None,
        "times": _TIMES,
        "users": await usernames_of(request, {found.subject: found.username}),
    }
    return Show("inspector", {"here": "inspector", "empty": False} | values)


PAGES = (ConsolePage("/inspector", get=show, post=inspect),)
