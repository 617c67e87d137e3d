"""Users of the built-in directory: created, given passwords, disabled, deleted; their grants end with them."""

import logging
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
from pydantic import AfterValidator, Field

from service.admin import etags, user_claims
from service.admin.audit import audited, note_changed
from service.admin.errors import AlreadyExists, Contended, InvalidInput, NotFound
from service.admin.input import IfMatch, Input, Json, Name, OptionalIfMatch, Rules, filled
from service.admin.paging import Cursor, Limit, Listing, cursor_checked
from service.directory import forget_attempts
from service.directory.redis_directory import MAX_PASSWORD
from service.issuer import Issuer
from service.login import ending_sessions
from service.observe.events import Event
from service.protocol.checked_types import Identifier, ShortText
from service.protocol.claims import OURS
from service.protocol.typed_text import prepared_name, prepared_password
from service.records.user import User
from service.store.record_store import ChangedMeanwhileError

log = logging.getLogger(__name__)

MIN_PASSWORD = 8
"""The fewest characters of a password (NIST SP 800-63B 5.1.1.1)."""
MIN_USER_CODE = 4
"""The fewest characters of a user code; guesses at it are slowed down."""
_TRIES = 5


# input


def _username(name: str) -> str:
    if name != name.strip():
        raise ValueError("must not begin or end with a space")
    if not unicodedata.is_normalized("NFC", name):
        raise ValueError("must be in Unicode normal form C: else the same letters can be two users")
    return name


def _claims(claims: dict[str, Any]) -> dict[str, Any]:
    if ours := sorted(OURS & set(claims)):
        raise ValueError(f"{', '.join(ours)}: the service itself says that; choose other names")
    return claims


Username = Annotated[ShortText, AfterValidator(filled), AfterValidator(_username)]
Claims = Annotated[dict[ShortText, Json], AfterValidator(_claims)]
ChangedClaims = Annotated[Claims, Field(description="Those given are set, those given as null are removed.")]
UserName = Annotated[Name, Field(description="Username, or subject.")]
UserCode = Annotated[
    str,
    Field(max_length=255, description="4 characters or more, kept as an argon2 hash; without one clients need none."),
]
Password = Annotated[str, Field(max_length=1024, description="8 characters or more; kept as an argon2 hash.")]


def _lacks_subject(given: "UserInput") -> list[str]:
    if given.subject is not None or (given.username.isascii() and " " not in given.username):
        return []
    return ["subject: give one in printable ASCII without spaces (OpenID Connect Core 2)"]


class UserInput(Input):
    """A user as an operator describes them."""

    DISAGREEMENTS: ClassVar[Rules] = (_lacks_subject,)
    username: Username
    subject: Annotated[
        Identifier | None, Field(description="The subject in tokens, which never changes; the username unless given.")
    ] = None
    claims: Claims = Field(default_factory=dict)


def checked_password(typed: str) -> str:
    """Return the password as it is hashed. Raises InvalidInput for one that is too short, too long, or no text."""
    password = prepared_password(typed)
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput(f"password: must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    if "\x00" in password or any("\ud800" <= character <= "\udfff" for character in password):
        raise InvalidInput("password: must be text in UTF-8 without NUL")
    return password


# operations


class EndedAccess(NamedTuple):
    """A user whose access has ended, with the exact numbers of grants and sessions that were alive."""

    user: User
    counts: dict[str, int]


@audited("user.create", "user:given.username")
async def create_user(issuer: Issuer, given: UserInput, password: Password | None = None) -> User:
    """Create a user, who cannot sign in by password where none is given. Raises AlreadyExists, InvalidInput."""
    if password is not None:
        password = checked_password(password)
    subject = given.subject or given.username
    await _check_free(issuer, given.username, subject)
    user = User(
        username=given.username,
        subject=subject,
        password_hash="" if password is None else await issuer.hashing.hash(password),
        created_at=int(issuer.clock()),
        claims=given.claims,
    )
    try:
        await issuer.store.users.save(user, None)
    except ChangedMeanwhileError as error:
        raise AlreadyExists(f"created by another operator meanwhile: {error}") from error
    log.info(Event.USER_CREATED, extra={"username": user.username, "subject": user.subject})
    return user


async def get_user(issuer: Issuer, username: UserName) -> User:
    """Return the user of this username, or else of this subject. Raises NotFound."""
    users, prepared = issuer.store.users, prepared_name(username)
    user = await users.get(username) or (await users.get(prepared) if prepared != username else None)
    user = user or await users.get_by_subject(username)
    if user is None:
        raise NotFound(f"there is no user {username!r}; `mintmark user list` shows all")
    return user


async def get_account(issuer: Issuer, username: UserName) -> User:
    """Return the user whose access is shown or ended.

    Where users are known elsewhere (``directory_url``, ``decision_api_keys``) it is any subject; else also a subject with
    grants or sessions, which a trusted issuer asserts. Raises NotFound.
    """
    try:
        return await get_user(issuer, username)
    except NotFound:
        settings = issuer.settings
        if not (settings.directory_url or settings.decision_api_keys or await _has_access(issuer, username)):
            raise
        return User(username=username, subject=username)


async def _has_access(issuer: Issuer, subject: str) -> bool:
    grants = await issuer.store.grants.list_of_user(subject, count=1)
    if grants.grants or grants.cursor:
        return True
    sessions, more = await issuer.store.sessions.page_of_user(subject, 0, 1)
    return bool(sessions or more)


async def list_users(issuer: Issuer, cursor: Cursor = "", limit: Limit = 100) -> Listing[User]:
    """Return a page of users in no order; reads some ``10 × limit`` keys. Raises InvalidInput for a bad cursor."""
    with cursor_checked(cursor):
        return Listing(*await issuer.store.users.list_page(cursor, limit))


@audited("user.update", "user:username", changed="claims")
async def update_user(issuer: Issuer, username: UserName, claims: ChangedClaims, if_match: IfMatch = None) -> User:
    """Change claims, also in the user's living grants where these keep them for access tokens.

    Raises NotFound, Outdated (``etags.check``), Contended, InvalidInput.
    """
    names: list[str] = []

    def changed(user: User) -> User:
        etags.check(user, if_match)
        merged = user.claims | claims
        names[:] = (name for name in claims if user.claims.get(name) != merged[name])
        return msgspec.structs.replace(user, claims={key: value for key, value in merged.items() if value is not None})

    user = await _change(issuer, username, changed)
    await user_claims.renew(issuer, user)
    note_changed(names)
    log.info(Event.USER_UPDATED, extra={"username": user.username, "claims": sorted(names)})
    return user


@audited("user.set_password", "user:username")
async def set_password(
    issuer: Issuer, username: UserName, password: Password, if_match: OptionalIfMatch = None
) -> EndedAccess:
    """Set the password, end every browser session with the grants made in it, and forget earlier wrong passwords.

    Grants with offline_access and those without a browser stay: end them with ``sign_out_user``.

    Raises NotFound, Outdated (``etags.check``), Contended, InvalidInput.
    """
    password = checked_password(password)
    await get_user(issuer, username)
    hashed = await issuer.hashing.hash(password)
    user = await _set(issuer, username, if_match, password_hash=hashed)
    ended = await ending_sessions.end_sessions_of(issuer, user.subject)
    await forget_attempts(issuer.store, user.username)
    return _ended(user, ended, Event.USER_PASSWORD_SET)


@audited("user.set_user_code", "user:username")
async def set_user_code(
    issuer: Issuer, username: UserName, user_code: UserCode = "", if_match: OptionalIfMatch = None
) -> User:
    """Set or remove the code that a client needs to ask the user without a browser (user_code of CIBA).

    Raises NotFound, Outdated (``etags.check``), Contended, InvalidInput.
    """
    if user_code and (len(user_code) < MIN_USER_CODE or not user_code.isprintable()):
        raise InvalidInput(f"user_code: must have at least {MIN_USER_CODE} characters that can be typed")
    await get_user(issuer, username)
    hashed = await issuer.hashing.hash(user_code) if user_code else ""
    user = await _set(issuer, username, if_match, user_code_hash=hashed)
    log.info(Event.USER_CODE_SET if user_code else Event.USER_CODE_REMOVED, extra={"username": user.username})
    return user


@audited("user.sign_out", "user:username")
async def sign_out_user(issuer: Issuer, username: UserName) -> EndedAccess:
    """End every session and grant of a user, and forget their consents; they may sign in again. Raises NotFound."""
    user = await get_account(issuer, username)
    return _ended(user, await ending_sessions.sign_out_everywhere(issuer, user.subject), Event.USER_SIGNED_OUT)


@audited("user.disable", "user:username")
async def disable_user(issuer: Issuer, username: UserName, if_match: OptionalIfMatch = None) -> EndedAccess:
    """Disable a user, and end every grant of the user, also one that is being made.

    Raises NotFound, Outdated (``etags.check``), Contended.
    """
    user = await _set(issuer, username, if_match, enabled=False)
    return _ended(user, await ending_sessions.sign_out_everywhere(issuer, user.subject), Event.USER_DISABLED)


@audited("user.enable", "user:username")
async def enable_user(issuer: Issuer, username: UserName, if_match: OptionalIfMatch = None) -> User:
    """Let the user sign in again; ended grants and sessions stay ended.

    Raises NotFound, Outdated (``etags.check``), Contended.
    """
    user = await _set(issuer, username, if_match, enabled=True)
    log.info(Event.USER_ENABLED, extra={"username": user.username})
    return user


@audited("user.delete", "user:username")
async def delete_user(issuer: Issuer, username: UserName, if_match: OptionalIfMatch = None) -> EndedAccess:
    """Delete a user, and end every grant of the user. Raises NotFound, Outdated (``etags.check``), Contended."""
    ended = await disable_user(issuer, username, if_match)  # first, so that nothing stays alive if this is cut off
    if not await issuer.store.users.delete(ended.user):
        raise NotFound(f"user {username!r} was deleted meanwhile")
    await forget_attempts(issuer.store, ended.user.username)
    log.info(Event.USER_DELETED, extra={"username": ended.user.username, **ended.counts})
    return ended


# internals


def _ended(user: User, ended: ending_sessions.EndedSessions, event: Event) -> EndedAccess:
    log.info(event, extra={"username": user.username, **ended.counts})
    return EndedAccess(user, ended.counts)


async def _set(issuer: Issuer, name: str, if_match: str | None, **members: object) -> User:
    def changed(user: User) -> User:
        etags.check(user, if_match)
        wanted: User = msgspec.structs.replace(user, **members)
        return wanted

    return await _change(issuer, name, changed)


async def _change(issuer: Issuer, name: str, changed: Callable[[User], User]) -> User:
    """Read the user, change it, compare and set; repeat where another change was first."""
    for _ in range(_TRIES):
        seen = await get_user(issuer, name)
        wanted = changed(seen)
        try:
            await issuer.store.users.save(wanted, seen)
        except ChangedMeanwhileError:
            continue
        return wanted
    raise Contended(f"user {name!r} is being changed by others at the same time; look at them and try again")


async def _check_free(issuer: Issuer, username: str, subject: str) -> None:
    """Check that neither is a name of another user, as both name users (``get_user``). Raises AlreadyExists."""
    users = issuer.store.users
    if await users.get(username) is not None:
        raise AlreadyExists(f"there is a user {username!r} already")
    if holder := await users.get_by_subject(subject) or await users.get(subject):
        raise AlreadyExists(f"subject: {subject!r} is the user {holder.username!r}")
    if holder := await users.get_by_subject(username):
        raise AlreadyExists(f"username: {username!r} is the subject of the user {holder.username!r}")
