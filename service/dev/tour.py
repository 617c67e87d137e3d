"""``mintmark demo --check``: the whole service walked over HTTP, every step held against what must come back."""

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from aiohttp import ClientSession

from service.admin import clients, grants, users
from service.admin.grants import CodeInput
from service.admin.users import UserInput
from service.dev.demo import CLIENT_SECRET, PASSWORD, client_input
from service.endpoints import introspect, revoke
from service.endpoints.metadata import PATH
from service.issuer import Issuer
from service.protocol import pkce
from service.protocol.credentials import PATTERN, base64url

VERIFIER = base64url(secrets.token_bytes(32))
WRONG = "through-the-looking-glass"
BEARER = "Bearer"


class Step(NamedTuple):
    """``came_back``: what the server said, tokens shortened; or what was wrong with it."""

    title: str
    ok: bool
    came_back: str


class Answer(NamedTuple):
    """An HTTP response."""

    status: int
    content: bytes

    @property
    def members(self) -> dict[str, Any]:
        """The JSON object in it, {} for none."""
        body = orjson.loads(self.content) if self.content else {}
        return body if isinstance(body, dict) else {}


class WrongAnswerError(Exception):
    """The server said something else than it must."""


@dataclass
class Tour:
    """The state of a walk: two clients of which ``strict`` has no grace for repeated refresh tokens, a user, tokens."""

    issuer: Issuer
    session: ClientSession
    url: str
    name: str = field(default_factory=lambda: f"check-{secrets.token_hex(4)}")
    code: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    used: str = ""
    rotation: bytes = b""

    @property
    def strict(self) -> str:
        return f"{self.name}-strict"

    async def issue_code(self, client: str) -> str:
        """A code, by the function behind ``mintmark grant code``."""
        given = CodeInput(
            client=client,
            user=self.name,
            scope="read write",
            code_challenge=pkce.s256(VERIFIER),
            code_challenge_method="S256",
        )
        return (await grants.issue_code(self.issuer, given)).code

    async def post(self, path: str, client: str = "", secret: str = CLIENT_SECRET, **form: str) -> Answer:
        """Post a form, authenticated as the client (the tour's first one if none is named)."""
        login = b64encode(f"{client or self.name}:{secret}".encode()).decode()
        async with self.session.post(
            self.url + path, data=form, headers={"Authorization": f"Basic {login}"}
        ) as response:
            return Answer(response.status, await response.read())

    async def token(self, grant_type: str, client: str = "", secret: str = CLIENT_SECRET, **form: str) -> Answer:
        """Ask for tokens."""
        path = self.issuer.settings.token_paths[0]
        return await self.post(path, client, secret, grant_type=grant_type, **form)

    async def redeem(self, code: str, client: str = "", verifier: str = VERIFIER) -> Answer:
        """Redeem a code."""
        return await self.token("authorization_code", client, code=code, code_verifier=verifier)

    async def introspect(self, token: str, client: str = "") -> Answer:
        """Ask what a token is."""
        return await self.post(introspect.PATH, client, token=token)


async def walk(issuer: Issuer, url: str) -> AsyncIterator[Step]:
    """Every step as it is done, with clients and a user of its own that are gone afterwards. Wrong answers don't end it."""
    async with ClientSession() as session, _prepared(Tour(issuer, session, url)) as tour:
        for title, act in STEPS:
            try:
                yield Step(title, True, await act(tour))
            except Exception as error:
                yield Step(title, False, shortened(f"{error}" or repr(error)))


@asynccontextmanager
async def _prepared(tour: Tour) -> AsyncIterator[Tour]:
    issuer = tour.issuer
    for given in (client_input(tour.name, refresh_grace=60), client_input(tour.strict, refresh_grace=0)):
        await clients.create_client(issuer, given, CLIENT_SECRET)
    await users.create_user(issuer, UserInput(username=tour.name), PASSWORD)
    try:
        yield tour
    finally:
        await users.delete_user(issuer, tour.name)
        for client_id in (tour.name, tour.strict):
            await clients.delete_client(issuer, client_id)


# the steps, each returns what came back


async def _metadata(tour: Tour) -> str:
    async with tour.session.get(tour.url + PATH) as response:
        answer = Answer(response.status, await response.read())
    _expect(answer, 200, issuer=tour.issuer.url, token_endpoint=tour.issuer.url_of(tour.issuer.settings.token_paths[0]))
    return f"200 issuer={answer.members['issuer']}"


async def _wrong_secret(tour: Tour) -> str:
    return _expect(await tour.token("client_credentials", secret=WRONG), 401, error="invalid_client")


async def _client_credentials(tour: Tour) -> str:
    answer = await tour.token("client_credentials", scope="write")
    told = _expect(answer, 200, access_token=..., token_type=BEARER, scope="write", refresh_token=None)
    token = answer.members["access_token"]
    _expect(await tour.introspect(token), 200, active=True, client_id=tour.name, sub=tour.name, scope="write")
    return told


async def _password(tour: Tour) -> str:
    answer = await tour.token("password", username=tour.name, password=PASSWORD)
    told = _expect(answer, 200, access_token=..., refresh_token=..., token_type=BEARER, scope="read")
    _expect(await tour.introspect(answer.members["access_token"]), 200, active=True, sub=tour.name)
    return told


async def _wrong_password(tour: Tour) -> str:
    answer = await tour.token("password", username=tour.name, password=WRONG)
    return _expect(answer, 400, error="invalid_grant", access_token=None)


async def _issue_code(tour: Tour) -> str:
    tour.code = await tour.issue_code(tour.name)
    if not tour.code.startswith("mm_ac_"):
        raise WrongAnswerError("no code")
    return shortened(tour.code)


async def _wrong_verifier(tour: Tour) -> str:
    answer = await tour.redeem(tour.code, verifier=base64url(secrets.token_bytes(32)))
    return _expect(answer, 400, error="invalid_grant", access_token=None)


async def _redeem(tour: Tour) -> str:
    answer = await tour.redeem(tour.code)
    told = _expect(answer, 200, access_token=..., refresh_token=..., token_type=BEARER, scope="read write")
    tour.tokens = answer.members
    return told


async def _introspect(tour: Tour) -> str:
    answer = await tour.introspect(tour.tokens["access_token"])
    told = _expect(
        answer, 200, active=True, sub=tour.name, client_id=tour.name, scope="read write", iss=tour.issuer.url, exp=...
    )
    left = answer.members["exp"] - tour.issuer.clock()
    if not 0 < left <= tour.tokens["expires_in"]:
        raise WrongAnswerError(f"exp is in {left:.0f} s")
    return told


async def _refresh(tour: Tour) -> str:
    tour.used = tour.tokens["refresh_token"]
    answer = await tour.token("refresh_token", refresh_token=tour.used)
    told = _expect(answer, 200, access_token=..., refresh_token=..., scope="read write")
    if answer.members["refresh_token"] == tour.used:
        raise WrongAnswerError("the refresh token is still the old one")
    tour.tokens, tour.rotation = answer.members, answer.content
    return told


async def _refresh_again(tour: Tour) -> str:
    answer = await tour.token("refresh_token", refresh_token=tour.used)
    told = _expect(answer, 200, access_token=..., refresh_token=...)
    if answer.content != tour.rotation:
        raise WrongAnswerError("another answer than the first time")
    return f"{told} (byte for byte the same)"


async def _refresh_too_late(tour: Tour) -> str:
    """The strict client has no grace: a repeat is theft, and the thief's and the owner's tokens end."""
    first = await tour.redeem(await tour.issue_code(tour.strict), tour.strict)
    used = first.members["refresh_token"]
    second = await tour.token("refresh_token", tour.strict, refresh_token=used)
    _expect(second, 200, access_token=..., refresh_token=...)
    told = _expect(await tour.token("refresh_token", tour.strict, refresh_token=used), 400, error="invalid_grant")
    for token in (first.members["access_token"], *_both(second)):
        _expect_inactive(await tour.introspect(token, tour.strict))
    successor = second.members["refresh_token"]
    _expect(await tour.token("refresh_token", tour.strict, refresh_token=successor), 400, error="invalid_grant")
    return f"{told}; the successors are inactive"


async def _code_again(tour: Tour) -> str:
    _expect(await tour.introspect(tour.tokens["access_token"]), 200, active=True)
    told = _expect(await tour.redeem(tour.code), 400, error="invalid_grant", access_token=None)
    for name in ("access_token", "refresh_token"):
        _expect_inactive(await tour.introspect(tour.tokens[name]))
    return f"{told}; its tokens are inactive"


async def _revoke(tour: Tour) -> str:
    answer = await tour.token("password", username=tour.name, password=PASSWORD)
    access, refresh = _both(answer)
    _expect(await tour.introspect(access), 200, active=True)
    _expect(await tour.post(revoke.PATH, token=refresh), 200)
    _expect_inactive(await tour.introspect(refresh))
    last = await tour.introspect(access)
    _expect_inactive(last)
    return f"200; introspection of both: {last.content.decode()}"


STEPS: tuple[tuple[str, Callable[[Tour], Awaitable[str]]], ...] = (
    ("the metadata names this server", _metadata),
    ("a wrong client secret is refused", _wrong_secret),
    ("client_credentials: a token, no refresh token", _client_credentials),
    ("password: tokens for the user", _password),
    ("a wrong password is refused", _wrong_password),
    ("an authorization code, bound by PKCE (S256)", _issue_code),
    ("a wrong code_verifier is refused, the code stays", _wrong_verifier),
    ("the code buys tokens", _redeem),
    ("introspection: whose token, what for, how long", _introspect),
    ("the refresh token buys new tokens", _refresh),
    ("again within the grace: the same answer", _refresh_again),
    ("again without grace: the family ends", _refresh_too_late),
    ("the code again: its grant ends", _code_again),
    ("revocation: the tokens are inactive at once", _revoke),
)


# holding an answer against what it must be


def _expect(answer: Answer, status: int, **members: Any) -> str:
    """The answer, shortened. ``members``: a value, ``...`` for any, None for absent. Raises WrongAnswerError."""
    told = shortened(f"{answer.status} {_listed(answer.members)}".strip())
    if answer.status != status:
        raise WrongAnswerError(f"{told} where {status} was due")
    for name, wanted in members.items():
        held = answer.members.get(name)
        if (held is None) if wanted is ... else (held != wanted):
            raise WrongAnswerError(f"{told} where {name}={'something' if wanted is ... else wanted} was due")
    return told


def _expect_inactive(answer: Answer) -> None:
    """RFC 7662 2.2: nothing but that."""
    if (answer.status, answer.members) != (200, {"active": False}):
        raise WrongAnswerError(f"{shortened(_listed(answer.members))} where only active=False was due")


def _both(answer: Answer) -> tuple[str, str]:
    _expect(answer, 200, access_token=..., refresh_token=...)
    return answer.members["access_token"], answer.members["refresh_token"]


def _listed(members: dict[str, Any]) -> str:
    told = ("active", "error", "access_token", "refresh_token", "scope", "expires_in", "sub")
    return " ".join(f"{name}={members[name]}" for name in told if name in members)


def shortened(text: str) -> str:
    """The text with tokens cut to their prefix and four characters."""
    return PATTERN.sub(lambda found: found[0][:10] + "…", text)
