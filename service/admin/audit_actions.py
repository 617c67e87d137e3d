"""The actions in the audit log, which filters of it name: a typing error must not look like a log without such acts."""

from service.settings.faults import did_you_mean

ACTIONS = (
    *("authorization.forget_consent", "authorization.issue", "authorization.update", "backchannel.complete"),
    *("client.approve", "client.create", "client.delete", "client.disable", "client.drop_old_secret", "client.enable"),
    *("client.revoke", "client.rotate_secret", "client.update", "client.withdraw_approval", "device.complete"),
    *("everything.end", "grant.issue_code", "grant.revoke", "grant.revoke_of_user", "key.reseal", "key.retire"),
    *("key.rotate", "registration.create_token", "resource.create", "resource.delete", "resource.update"),
    *("session.end", "token.create", "token.end", "token.issue", "token.issue_for_password", "token.update"),
    *("trust.put", "trust.remove", "user.create", "user.delete", "user.disable", "user.enable", "user.set_password"),
    *("user.set_user_code", "user.sign_out", "user.update"),
)
"""Every action; listed here, as a command loads only some of the modules that have them."""
GROUPS = tuple(dict.fromkeys(action.partition(".")[0] for action in ACTIONS))
"""The beginnings of actions, each for all about one kind of thing."""


def known_action(action: str) -> str:
    """Check the action or group of a filter, "" = any. Raises ValueError."""
    if action and action not in ACTIONS and action not in GROUPS:
        all_there_are = f"; there are {', '.join((*GROUPS, *ACTIONS))}"
        raise ValueError(f"there is no such action{did_you_mean(action, (*GROUPS, *ACTIONS)) or all_there_are}")
    return action
