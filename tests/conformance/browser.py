"""What the suite's browser does at our pages, as plan configurations have it."""

import copy
from typing import Any

USER, PASSWORD = "alice", "alice-password"


def browser_scripts(op: str, suite: str, prefix: str) -> dict[str, Any]:
    """The members ``browser`` and ``override`` of a configuration.

    Args:
        op: Base URL of the server.
        suite: Base URL of the suite.
        prefix: Of the names of the plan's modules.
    """
    authorize, login, consent = (f"{op}/{path}*" for path in ("authorize", "login", "consent"))
    shown = {
        "task": "An error page of the server",
        "optional": True,
        "match": authorize,
        "commands": [["wait", "xpath", "//*", 10, "Request error", "update-image-placeholder-optional"]],
    }
    sign_in = {
        "task": "Sign in",
        "optional": True,
        "match": login,
        "commands": [
            ["text", "id", "username", USER, "optional"],
            ["text", "id", "password", PASSWORD, "optional"],
            ["click", "id", "login-submit"],
        ],
    }
    allow = {"task": "Consent", "optional": True, "match": consent, "commands": [["click", "id", "consent-allow"]]}
    back = {
        "task": "Back at the client",
        "optional": True,
        "match": f"{suite}/test/*",
        "commands": [["wait", "id", "submission_complete", 10]],
    }
    usual = {"match": authorize, "tasks": [shown, sign_in, allow, back]}
    deny = copy.deepcopy(usual)
    deny["tasks"] = [
        {"task": "Say no", "match": login, "commands": [["click", "id", "login-cancel"]]},
        back,
    ]
    look = {"match": authorize, "match-limit": 1, "tasks": [{"task": "Look only", "match": login, "commands": []}]}
    return {
        "browser": [usual],
        "override": {
            f"{prefix}-user-rejects-authentication": {"browser": [deny]},
            f"{prefix}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": {"browser": [look, usual]},
        },
    }
