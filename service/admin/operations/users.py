"""Users of the built-in directory."""

from typing import Annotated, Any

from pydantic import Field, JsonValue

from service.admin import users as admin
from service.admin.etags import etag
from service.admin.input import Input
from service.admin.operations.operation import Name, NextCursor, Operation, OperationResult, Output, PageInput, Seconds
from service.admin.users import Claims, UserInput
from service.issuer import Issuer
from service.records.user import User

Password = Annotated[str, Field(max_length=1024, description="8 characters or more; kept as an argon2 hash.")]


# input


class NewUser(UserInput):
    """A user; without a password they cannot sign in by one."""

    password: Password | None = None


class NamedUser(Input):
    """A user by their username or subject."""

    username: Annotated[Name, Field(description="Username, or subject.")]


class ChangedUser(NamedUser):
    """Claims of a user that are to be changed."""

    if_match: Annotated[str | None, Field(description="The ETag of what is to be changed; * = whatever it is now.")] = (
        None
    )
    claims: Annotated[Claims, Field(description="Those given are set, those given as null are removed.")]


class NewPassword(NamedUser):
    """A password in the place of the one before."""

    password: Password


# output


class ShownUser(Output):
    """A user; of the password only whether there is one."""

    username: str
    subject: str
    enabled: bool
    has_password: bool
    created_at: Seconds
    claims: dict[str, JsonValue]


class UserList(Output):
    """A page of users in no order."""

    users: tuple[ShownUser, ...]
    cursor: NextCursor


class EndedUser(Output):
    """How many grants and sessions ended: exactly those that were alive."""

    username: str
    grants_ended: int
    sessions_ended: int


class UserWithNewPassword(ShownUser):
    """How many sessions ended, exactly those that were alive, and how many grants that were granted in them."""

    grants_ended: int
    sessions_ended: int


# what is done


def _answer(user: User) -> OperationResult:
    return OperationResult(admin.describe(user), etag(user))


def _ended(ended: admin.EndedAccess) -> OperationResult:
    return OperationResult({"username": ended.user.username, **ended.counts})


async def _create(issuer: Issuer, given: NewUser) -> OperationResult:
    return _answer(await admin.create_user(issuer, given, given.password))


async def _list(issuer: Issuer, given: PageInput) -> OperationResult:
    page = await admin.list_users(issuer, given.cursor, given.limit)
    return OperationResult.of_list("users", page, admin.describe)


async def _show(issuer: Issuer, given: NamedUser) -> OperationResult:
    return _answer(await admin.get_user(issuer, given.username))


async def _update(issuer: Issuer, given: ChangedUser) -> OperationResult:
    claims: dict[str, Any] = given.claims
    return _answer(await admin.update_user(issuer, given.username, claims, if_match=given.if_match))


async def _set_password(issuer: Issuer, given: NewPassword) -> OperationResult:
    ended = await admin.set_password(issuer, given.username, given.password)
    return OperationResult(admin.describe(ended.user) | ended.counts, etag(ended.user))


async def _sign_out(issuer: Issuer, given: NamedUser) -> OperationResult:
    return _ended(await admin.sign_out_user(issuer, given.username))


async def _disable(issuer: Issuer, given: NamedUser) -> OperationResult:
    return _ended(await admin.disable_user(issuer, given.username))


async def _enable(issuer: Issuer, given: NamedUser) -> OperationResult:
    return _answer(await admin.enable_user(issuer, given.username))


async def _delete(issuer: Issuer, given: NamedUser) -> OperationResult:
    return _ended(await admin.delete_user(issuer, given.username))


CREATE = Operation("user.create", "Create a user.", NewUser, ShownUser, _create)
LIST = Operation(
    "user.list",
    "List users, in no order.",
    PageInput,
    UserList,
    _list,
    columns=("username", "subject", "enabled", "has_password", "created_at"),
)
SHOW = Operation("user.show", "Show a user.", NamedUser, ShownUser, _show)
UPDATE = Operation("user.update", "Set claims of a user; null removes one.", ChangedUser, ShownUser, _update)
SET_PASSWORD = Operation(
    "user.set_password",
    "Set a user's password, and end their browser sessions.",
    NewPassword,
    UserWithNewPassword,
    _set_password,
)
SIGN_OUT = Operation(
    "user.sign_out", "End every session and grant of a user.", NamedUser, EndedUser, _sign_out, is_destructive=True
)
DISABLE = Operation(
    "user.disable",
    "Disable a user, and end every grant of the user.",
    NamedUser,
    EndedUser,
    _disable,
    is_destructive=True,
)
ENABLE = Operation("user.enable", "Let a disabled user sign in again.", NamedUser, ShownUser, _enable)
DELETE = Operation(
    "user.delete", "Delete a user, and end every grant of the user.", NamedUser, EndedUser, _delete, is_destructive=True
)

OPERATIONS = (CREATE, LIST, SHOW, UPDATE, SET_PASSWORD, SIGN_OUT, DISABLE, ENABLE, DELETE)
