"""A Hypothesis state machine drives the store against a plain-Python model of grants and finds no difference.

Time passes by moving everything in Redis into the past (ends of keys, scores, births of grants), so that no test
waits and native TTLs stay the only clocks. Steps are multiples of 20 s and every limit lies 10 s beside one, so that
the seconds which the test itself takes decide nothing.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from service.app import make_issuer
from service.grants import GRANT_TYPES
from service.issuer import Issuer
from service.protocol.credentials import Credential, parse
from service.protocol.errors import InvalidGrant, InvalidScope, ProtocolError
from service.protocol.request import Request
from service.protocol.requested import Requested
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.store.store import open_store
from service.store.tokens import RevokeAnswer
from service.tokens.authorization import Issued
from service.tokens.authorization_codes import issue_code
from service.tokens.issuing import issue
from service.tokens.replay import ReplayedError, end_replayed
from service.tokens.token_request import TokenRequest
from tests import redis_shapes
from tests.world import ALL_GRANT_TYPES, settings_for

CODE, ACCESS, IDLE, ABSOLUTE, GRACE, MEMORY = 50, 610, 3610, 20_010, 30, 5010
USERS = ("alice", "bob")
STEPS = st.sampled_from([20, 40, 600, 1800, 3600, 10_000])

INTO_THE_PAST = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if redis.call('TYPE', key).ok == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -ARGV[1], member)
    end
  elseif string.match(key, '^mm:{......................}$') then
    local record = redis.call('GET', key)
    if record ~= '' then
      local born = tonumber(string.match(record, '"i":(%d+)'))
      redis.call('SET', key, (string.gsub(record, '"i":%d+', '"i":' .. string.format('%d', born - ARGV[1]))), 'KEEPTTL')
    end
  end
  if left >= 0 then
    redis.call('PEXPIRE', key, left - ARGV[1] * 1000)
  end
end
"""


@dataclass
class ModelRefreshToken:
    """A refresh token, and what came of its use."""

    text: str
    ends: int
    used_at: int | None = None
    scope: str = ""
    """What its use asked for."""
    response: bytes = b""
    successor: "ModelRefreshToken | None" = None

    def is_known(self, now: int) -> bool:
        """Whether it is there, or its use is remembered: at most for as long as its successor lives."""
        if self.used_at is None or self.successor is None:
            return now < self.ends
        return now < min(self.used_at + MEMORY, self.successor.ends)

    def waits(self, now: int) -> bool:
        """Whether the response is there for who asks again: in the grace, until its successor is used."""
        used = self.successor is not None and self.successor.used_at is not None
        return self.used_at is not None and now < self.used_at + GRACE and not used


@dataclass
class ModelGrant:
    """What a grant should be. Times are on the model's clock: seconds since the beginning of the run."""

    user: str
    born: int
    code: str
    ended: bool = False
    redeemed_at: int | None = None
    access: dict[str, tuple[int, str]] = field(default_factory=dict)
    refresh: list[ModelRefreshToken] = field(default_factory=list)

    def ends(self) -> int:
        """When its record ends: with the last that it issued."""
        return max(
            [self.born + CODE, *(ends for ends, _ in self.access.values()), *(token.ends for token in self.refresh)]
        )

    def alive(self, now: int) -> bool:
        return not self.ended and now < self.ends()


class StoreMachine(RuleBasedStateMachine):
    """Every rule does the same to Redis and to the model, and compares what came back."""

    shape: redis_shapes.Shape
    grants = Bundle("grants")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.shape.flush()
        self.now = 0
        self.model: list[ModelGrant] = []
        self.issuer: Issuer = self.run(self._open())
        self.client = Client(
            "app",
            grant_types=ALL_GRANT_TYPES,
            code_lifetime=CODE,
            access_token_lifetime=ACCESS,
            refresh_idle_lifetime=IDLE,
            refresh_absolute_lifetime=ABSOLUTE,
            refresh_grace=GRACE,
        )

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _open(self) -> Issuer:
        chosen = settings_for(self.shape.url, refresh_reuse_memory=MEMORY)
        return make_issuer(chosen, await open_store(chosen, listen=False))

    def teardown(self) -> None:
        self.run(self.issuer.store.close())
        self.issuer.hashing.close()
        self.loop.close()

    # what people and clients do

    @initialize(target=grants)
    def begin(self) -> ModelGrant:
        return self._issued("alice")

    @rule(target=grants, user=st.sampled_from(USERS))
    def issue_code(self, user: str) -> ModelGrant:
        return self._issued(user)

    def _issued(self, user: str) -> ModelGrant:
        grant = Grant("app", user, scope="read write", issued_at=int(self.issuer.clock()))
        made = self.run(issue_code(self.issuer, self.client, grant, AuthorizationCode("https://app.example")))
        self.model.append(ModelGrant(user, self.now, made.code))
        return self.model[-1]

    @rule(grant=grants)
    def redeem(self, grant: ModelGrant) -> None:
        form = {"grant_type": "authorization_code", "code": grant.code}
        expected = grant.alive(self.now) and grant.redeemed_at is None and self.now < grant.born + CODE
        issued = self._ask(form)
        assert (issued is not None) == expected
        if issued is not None:
            grant.redeemed_at = self.now
            self._took(grant, issued, "read write")
        elif grant.redeemed_at is not None and self.now < grant.redeemed_at + MEMORY and grant.alive(self.now):
            grant.ended = True

    @rule(grant=grants, which=st.integers(0, 5), scope=st.sampled_from([None, "read", "read write", "admin"]))
    def refresh(self, grant: ModelGrant, which: int, scope: str | None) -> None:
        if not grant.refresh:
            return
        token = grant.refresh[-1 - which % len(grant.refresh)]
        form = {"grant_type": "refresh_token", "refresh_token": token.text} | ({"scope": scope} if scope else {})
        known = grant.alive(self.now) and token.is_known(self.now)
        if token.used_at is not None:
            self._refresh_again(grant, token, form, known)
            return
        expected = known and scope != "admin" and self.now < grant.born + ABSOLUTE
        issued = self._ask(form)
        assert (issued is not None) == expected
        if issued is not None:
            token.used_at, token.scope, token.response = self.now, scope or "read write", issued.content
            self._took(grant, issued, token.scope)
            token.successor = grant.refresh[-1]

    def _refresh_again(self, grant: ModelGrant, token: ModelRefreshToken, form: dict[str, str], known: bool) -> None:
        """While the answer waits the same request gets it, another one an access token of its own; then the family ends."""
        waits, scope = token.waits(self.now), form.get("scope", "read write")
        issued = self._ask(form)
        assert (issued is not None) == (known and waits and scope != "admin")
        if issued is None:
            grant.ended = grant.ended or (known and not waits)
        elif scope == token.scope:
            assert issued.content == token.response
        else:
            body, first = orjson.loads(issued.content), orjson.loads(token.response)
            assert body["refresh_token"] == first["refresh_token"]
            assert body["access_token"] != first["access_token"]
            grant.access[body["access_token"]] = (self.now + ACCESS, scope)

    @rule(grant=grants, scope=st.sampled_from([None, "read", "admin"]))
    def lose_a_response(self, grant: ModelGrant, scope: str | None) -> None:
        """A client asks again with the refresh token that it knows, for the same or for less."""
        self.redeem(grant)
        self.refresh(grant, 0, None)
        self.refresh(grant, 1, scope)

    @rule(grant=grants, times=st.integers(2, 12), pause=st.sampled_from([600, 1800, 3600]))
    def keep_refreshing(self, grant: ModelGrant, times: int, pause: int) -> None:
        """A session as phones have it: it lives on by being used, until the absolute limit."""
        self.redeem(grant)
        for _ in range(times):
            self.refresh(grant, 0, None)
            self.every_access_token_is_what_the_model_says()
            self.time_passes(pause)

    @rule(grant=grants, which=st.integers(0, 9))
    def revoke_access_token(self, grant: ModelGrant, which: int) -> None:
        if not grant.access:
            return
        text = list(grant.access)[which % len(grant.access)]
        credential = _parse(text)
        answer = self.run(self.issuer.store.tokens.revoke(credential, "app", ends_grant=False))
        assert (answer is RevokeAnswer.REVOKED) == self._is_active(grant, text)
        ends, scope = grant.access[text]
        grant.access[text] = (ends, "" if answer is RevokeAnswer.REVOKED else scope)

    @rule(grant=grants, which=st.integers(0, 5))
    def revoke_refresh_token(self, grant: ModelGrant, which: int) -> None:
        if not grant.refresh:
            return
        token = grant.refresh[which % len(grant.refresh)]
        known = grant.alive(self.now) and token.is_known(self.now)
        credential = _parse(token.text)
        answer = self.run(self.issuer.store.tokens.revoke(credential, "app", ends_grant=True))
        assert (answer is RevokeAnswer.REVOKED) == known
        grant.ended = grant.ended or known

    @rule(grant=grants)
    def revoke_grant(self, grant: ModelGrant) -> None:
        was_alive = self.run(self.issuer.store.grants.revoke(_parse(grant.code).grant_id, grant.user))
        assert was_alive == grant.alive(self.now)
        grant.ended = True

    @rule(user=st.sampled_from(USERS))
    def revoke_user(self, user: str) -> None:
        mine = [grant for grant in self.model if grant.user == user]
        assert self.run(self.issuer.store.grants.revoke_user(user)) == sum(grant.alive(self.now) for grant in mine)
        for grant in mine:
            grant.ended = True

    @rule(seconds=STEPS)
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.shape.nodes[0].admin.eval(INTO_THE_PAST, 0, str(seconds))

    # what must hold

    @invariant()
    def every_access_token_is_what_the_model_says(self) -> None:
        for grant in self.model:
            for text, (ends, scope) in grant.access.items():
                opened = self.run(self.issuer.store.tokens.open_by_token(_parse(text)))
                assert (opened is not None) == self._is_active(grant, text)
                if opened is not None:
                    assert opened.scope == scope
                    assert abs(opened.ends_at - int(self.issuer.clock()) - (ends - self.now)) < 10

    @invariant()
    def a_user_s_list_is_the_living_grants(self) -> None:
        for user in USERS:
            page = self.run(self.issuer.store.grants.list_of_user(user))
            expected = {
                _parse(grant.code).grant_id for grant in self.model if grant.user == user and grant.alive(self.now)
            }
            assert {listed.grant_id for listed in page.grants} == expected

    @invariant()
    def every_key_has_a_ttl(self) -> None:
        """P4: native TTLs are the only clocks."""
        for key, entry in self.shape.dump().items():
            assert entry.pttl > 0, key

    def _ask(self, form: dict[str, str]) -> Issued | None:
        request = Request(form)
        token_request = TokenRequest(request, self.client, Requested.of(request), [])

        async def ask() -> Issued:
            authorization = await GRANT_TYPES[form["grant_type"]].authorize(self.issuer, token_request)
            return await issue(self.issuer, self.client, authorization)

        try:
            issued: Issued = self.run(ask())
        except ReplayedError as replayed:
            self.run(end_replayed(self.issuer, replayed))
            return None
        except ProtocolError as error:
            assert isinstance(error, InvalidGrant | InvalidScope)  # noqa: PT017
            return None
        return issued

    def _took(self, grant: ModelGrant, issued: Issued, scope: str) -> None:
        body = orjson.loads(issued.content)
        grant.access[body["access_token"]] = (self.now + ACCESS, scope)
        ends = min(self.now + IDLE, grant.born + ABSOLUTE)
        grant.refresh.append(ModelRefreshToken(body["refresh_token"], ends))

    def _is_active(self, grant: ModelGrant, text: str) -> bool:
        ends, scope = grant.access[text]
        return grant.alive(self.now) and self.now < ends and scope != ""


def _parse(text: str) -> Credential:
    credential = parse(text)
    assert credential is not None
    return credential


@pytest.mark.usefixtures("redis")
def test_the_store_does_what_the_model_says(redis: redis_shapes.Shape) -> None:
    machine = type("Machine", (StoreMachine,), {"shape": redis})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=120, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
