"""Operations on users of the built-in directory: make, list, disable, set passwords."""

from pydantic import JsonValue

from service.admin import users as admin
from service.admin.etags import etag
from service.admin.operations.operation import Operation, OperationResult, Output, Seconds, page_of
from service.records.user import User


class ShownUser(Output[User]):
    """A user; of the password only whether there is one."""

    username: str
    subject: str
    enabled: bool
    has_password: bool
    created_at: Seconds
    claims: dict[str, JsonValue]

    @classmethod
    def of(cls, result: User) -> OperationResult:
        """Return the user and the version of the record."""
        members = {name: getattr(result, name) for name in cls.model_fields if name != "has_password"}
        return OperationResult(members | {"has_password": bool(result.password_hash)}, etag(result))


class EndedUser(Output[admin.EndedAccess]):
    """The exact numbers of grants and sessions that were alive and have ended."""

    username: str
    grants_ended: int
    sessions_ended: int

    @classmethod
    def of(cls, result: admin.EndedAccess) -> OperationResult:
        """Return the user whose access ended, and the counts."""
        return OperationResult({"username": result.user.username, **result.counts})


class UserWithNewPassword(EndedUser):
    """The exact numbers of sessions, and of grants made in them, that were alive and have ended."""

    subject: str
    enabled: bool
    has_password: bool
    created_at: Seconds
    claims: dict[str, JsonValue]

    @classmethod
    def of(cls, result: admin.EndedAccess) -> OperationResult:
        """Return the user and the counts."""
        shown = ShownUser.of(result.user)
        return shown._replace(body={**shown.body, **result.counts})


CREATE = Operation("user.create", "Create a user.", admin.create_user, ShownUser)
LIST = Operation(
    "user.list",
    "List users, in no order.",
    admin.list_users,
    page_of("users", ShownUser),
    columns=("username", "subject", "enabled", "has_password", "created_at"),
)
SHOW = Operation("user.show", "Show a user.", admin.get_user, ShownUser)
UPDATE = Operation("user.update", "Set claims of a user; null removes one.", admin.update_user, ShownUser)
SET_PASSWORD = Operation(
    "user.set_password",
    "Set a user's password, and end their browser sessions.",
    admin.set_password,
    UserWithNewPassword,
)
SET_USER_CODE = Operation(
    "user.set_user_code",
    "Set or remove what a client must know to ask the user without a browser (CIBA).",
    admin.set_user_code,
    ShownUser,
)
SIGN_OUT = Operation(
    "user.sign_out", "End every session and grant of a user.", admin.sign_out_user, EndedUser, is_destructive=True
)
DISABLE = Operation(
    "user.disable",
    "Disable a user, and end every grant of the user.",
    admin.disable_user,
    EndedUser,
    is_destructive=True,
)
ENABLE = Operation("user.enable", "Let a disabled user sign in again.", admin.enable_user, ShownUser)
DELETE = Operation(
    "user.delete", "Delete a user, and end every grant of the user.", admin.delete_user, EndedUser, is_destructive=True
)
