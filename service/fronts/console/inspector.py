"""The token inspector: what a pasted token is. It comes in the body of a form and goes nowhere: it is not kept, logged, put
into a URL, or shown again.
"""

from service.admin import inspection
from service.admin.inspection import finding
from service.admin.inspection.explanation import explain
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Reply, Show

NAMES = {
    finding.What.ACCESS_TOKEN: "Access token",
    finding.What.REFRESH_TOKEN: "Refresh token",
    finding.What.AUTHORIZATION_CODE: "Authorization code",
    finding.What.JWT_ACCESS_TOKEN: "Access token (JWT)",
    finding.What.STATELESS_ACCESS_TOKEN: "Access token (JWT, kept nowhere)",
    finding.What.ID_TOKEN: "ID token",
    finding.What.ASSERTION: "Assertion of a trusted issuer",
    finding.What.JWT: "JWT",
    finding.What.OTHER_CREDENTIAL: "Credential that is no token",
    finding.What.UNKNOWN: "Nothing that is known here",
}
_TIMES = ("iat", "nbf", "exp", "auth_time")


async def show(request: ConsoleRequest) -> Reply:
    """An empty field."""
    return Show("inspector", {"here": "inspector", "found": None, "empty": False})


async def inspect(request: ConsoleRequest) -> Reply:
    """What it is."""
    token = request.get("token").strip()
    if not token:
        return Show("inspector", {"here": "inspector", "found": None, "empty": True}, 422)
    found = await inspection.inspect(request.issuer, token)
    values = {
        "here": "inspector",
        "found": found,
        "empty": False,
        "name": NAMES[found.what],
        "reasons": [finding.TEXTS[why] for why in found.why],
        "length": len(token),
        "times": _TIMES,
        "explained": await explain(request.issuer, found),
    }
    return Show("inspector", values)


PAGES = (ConsolePage("/inspector", get=show, post=inspect),)
