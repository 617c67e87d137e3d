"""``mintmark demo --check``: requests of a client over HTTP, from the metadata to a revoked token, compared with a table.

It shows that an installation works; the tests are the proof of the service itself.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import orjson
from aiohttp import ClientSession, encode_basic_auth

from service.admin import client_ending, clients, grants, users
from service.admin.grants import CodeInput
from service.admin.users import UserInput
from service.dev.demo import CLIENT_SECRET, PASSWORD, client_input
from service.endpoints import introspect, metadata, revoke
from service.issuer import Issuer
from service.protocol import pkce
from service.protocol.credentials import PATTERN

TOKEN = "token endpoint"
_SHOWN = ("issuer", "active", "error", "access_token", "refresh_token", "scope", "expires_in", "sub")


class CheckStep(NamedTuple):
    """A request and its expected response; ``{name}`` in either stands for a value of an earlier response."""

    title: str
    path: str
    form: Mapping[str, str]
    """The form to post; an empty one means GET."""
    status: int
    members: Mapping[str, Any]
    """The expected members: a value, ``...`` for any value, None for a member that must be absent."""
    secret: str = CLIENT_SECRET


class CheckResult(NamedTuple):
    """The result of a step."""

    title: str
    ok: bool
    came_back: str
    """The response with shortened tokens, or what was wrong with it."""


_CLIENT = {"grant_type": "client_credentials", "scope": "write"}
_CODE = {"grant_type": "authorization_code", "code": "{code}", "code_verifier": "{verifier}"}
_WRONG_CODE = {**_CODE, "code_verifier": "{verifier}x"}
_REFRESH = {"grant_type": "refresh_token", "refresh_token": "{first_refresh_token}"}
_PASSWORD = {"grant_type": "password", "username": "{name}", "password": PASSWORD}
_BOTH = {"access_token": ..., "refresh_token": ..., "token_type": "Bearer"}
_SAME = {"access_token": "{access_token}", "refresh_token": "{refresh_token}"}
_OURS = {"active": True, "client_id": "{name}", "sub": "{name}", "scope": "read write", "iss": "{url}", "exp": ...}
_REFUSED = {"error": "invalid_grant", "access_token": None}
_INACTIVE = {"active": False, "sub": None, "scope": None}

STEPS = (
    CheckStep("the metadata names this server", metadata.PATH, {}, 200, {"issuer": "{url}"}),
    CheckStep("a wrong client secret is refused", TOKEN, _CLIENT, 401, {"error": "invalid_client"}, secret="x"),  # noqa: S106 (a wrong one)
    CheckStep(
        "client_credentials: a token, no refresh token", TOKEN, _CLIENT, 200, {"refresh_token": None, "scope": "write"}
    ),
    CheckStep("a wrong code_verifier is refused, the code stays", TOKEN, _WRONG_CODE, 400, _REFUSED),
    CheckStep("the code buys tokens", TOKEN, _CODE, 200, {**_BOTH, "scope": "read write"}),
    CheckStep(
        "introspection: whose token, what for, how long", introspect.PATH, {"token": "{access_token}"}, 200, _OURS
    ),
    CheckStep("the refresh token buys new tokens", TOKEN, _REFRESH, 200, _BOTH),
    CheckStep("again within the grace: the same answer", TOKEN, _REFRESH, 200, _SAME),
    CheckStep("the code again: its grant ends", TOKEN, _CODE, 400, _REFUSED),
    CheckStep("its tokens are inactive", introspect.PATH, {"token": "{access_token}"}, 200, _INACTIVE),
    CheckStep("password: tokens for the user", TOKEN, _PASSWORD, 200, {**_BOTH, "scope": "read"}),
    CheckStep("revocation", revoke.PATH, {"token": "{refresh_token}"}, 200, {}),
    CheckStep("the tokens are inactive at once", introspect.PATH, {"token": "{access_token}"}, 200, _INACTIVE),
)


async def run_checks(issuer: Issuer, url: str) -> AsyncIterator[CheckResult]:
    """Run all steps, also after a wrong response, and yield each result.

    Its client and user are deleted afterwards.
    """
    name, verifier = f"check-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    await clients.create_client(issuer, client_input(name, refresh_grace=60), CLIENT_SECRET)
    try:
        await users.create_user(issuer, UserInput(username=name), PASSWORD)
        challenge = {"code_challenge": pkce.s256(verifier), "code_challenge_method": "S256"}
        code_input = CodeInput.read({"client": name, "user": name, "scope": "read write", **challenge})
        code = (await grants.issue_code(issuer, code_input)).code
        known = {"name": name, "verifier": verifier, "url": issuer.url, "code": code}
        async with ClientSession(url) as session:
            for step in STEPS:
                yield await _run_check(issuer, session, step, known)
    finally:
        await users.delete_user(issuer, name)
        await client_ending.delete_client(issuer, name)


async def _run_check(issuer: Issuer, session: ClientSession, step: CheckStep, known: dict[str, str]) -> CheckResult:
    path = issuer.settings.token_paths[0] if step.path == TOKEN else step.path
    try:
        form = {member: text.format_map(known) for member, text in step.form.items()}
        login = {"Authorization": encode_basic_auth(known["name"], step.secret)}
        async with session.request("POST" if form else "GET", path, data=form or None, headers=login) as response:
            status, content = response.status, await response.read()
        members = orjson.loads(content) if content else {}
    except Exception as error:  # noqa: BLE001 (whatever goes wrong in a step is its result)
        return CheckResult(step.title, False, shortened(f"{type(error).__name__}: {error}"))
    came_back = " ".join([str(status), *(f"{member}={members[member]}" for member in _SHOWN if member in members)])
    wrong = [f"status={step.status}"] if status != step.status else []
    wrong += [
        f"{member}={wanted}" for member, wanted in step.members.items() if not _is(members.get(member), wanted, known)
    ]
    known |= {member: text for member, text in members.items() if member in ("access_token", "refresh_token")}
    if "refresh_token" in known:
        known.setdefault("first_refresh_token", known["refresh_token"])
    return CheckResult(
        step.title, not wrong, shortened(came_back + (f" where {' '.join(wrong)} was due" if wrong else ""))
    )


def _is(value: object, wanted: object, known: Mapping[str, str]) -> bool:
    if wanted is ...:
        return value is not None
    return bool(value == (wanted.format_map(known) if isinstance(wanted, str) else wanted))


def shortened(text: str) -> str:
    """Return a text with tokens cut to their first ten characters."""
    return PATTERN.sub(lambda found: found[0][:10] + "…", text)
