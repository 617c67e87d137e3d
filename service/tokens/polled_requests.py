"""Requests that a client polls for, until they are allowed or denied elsewhere (RFC 8628, OpenID Connect CIBA; P1, P3, P5).

The credential that the client polls with begins with the id of the grant that may come of it. A kind of request is a subclass
of ``PresentedPolledRequest``, a prefix in ``credentials.Kind`` and a grant type that answers with ``poll``. Its endpoint calls
``prepare`` and ``begin``. The code that decides has the request's ``reference`` and calls ``load``, then ``allow`` or ``deny``.
Nothing in Redis can be used to poll: the credential is stored as a hash, the request sealed.
"""

from collections.abc import Awaitable
from typing import ClassVar, NamedTuple, TypeVar

from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.credentials import Credential, Kind, base64url, hashed, new_credential, new_grant_id, parse
from service.protocol.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, SlowDown
from service.records.client import Client
from service.records.grant import Grant
from service.records.polled_request import Allowance, PolledRequest
from service.store.polled_requests import PollAnswer
from service.store.spending import NewTokens, SpendableStore, Spending, WaitingReply
from service.store.store import Store
from service.tokens.authorization import Authorization, granted_by
from service.tokens.redeemed_once import RedeemedOnce
from service.tokens.replay import check_not_replayed
from service.tokens.resources import check_still_open
from service.tokens.spendable import TokenPlan
from service.tokens.token_request import TokenRequest
from service.tokens.user_claims import with_claims

AnyPolledRequest = TypeVar("AnyPolledRequest", bound=PolledRequest)


class FreshRequest(NamedTuple):
    """A request, as its client and the deciding side know it."""

    credential: str
    """The credential that the client polls with: ``device_code``, ``auth_req_id``."""
    reference: str
    """The name by which it is decided, of no use for polling."""


class PresentedPolledRequest(RedeemedOnce, frozen=True, kw_only=True):
    """An allowed request that its client polled for."""

    REPLAYED = Event.POLLED_REQUEST_REPLAYED
    REPEATED = Event.POLLED_REQUEST_REPEATED
    KIND: ClassVar[Kind]
    """The kind of its credential."""

    allowance: Allowance = Allowance()
    """The allowance as it was stored until it was spent."""

    def kept_in(self, store: Store) -> SpendableStore:
        """Return the part of the store that keeps its kind."""
        return store.polled_requests

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Return the tokens it is exchanged for: access token, refresh token and ID token, as for a code."""
        if self.is_spent:
            raise InvalidGrant(log=self.REPLAY)
        return TokenPlan(
            grant_id=self.credential.grant_id,
            refreshes_left=client.refresh_limit,
            has_id_token=True,
            grace=issuer.settings.code_grace,
        )

    def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Awaitable[Spending]:
        """Spend it. Its use is remembered as long as its grant lasts: without a refresh token, until the access token ends."""
        spent_ends_at = remembered_until if new.refresh_record else new.access_ends_at
        return store.polled_requests.spend(self.credential, self.allowance, new, spent_ends_at, reply)


# its client


def prepare(issuer: Issuer, kind: Kind) -> FreshRequest:
    """Make a fresh credential of a kind."""
    grant_id = new_grant_id(issuer.random_text)
    credential = new_credential(kind, grant_id, issuer.random_text)
    return FreshRequest(credential, f"{grant_id}.{hashed(credential)}")


async def begin(
    issuer: Issuer, client: Client, fresh: FreshRequest, record: PolledRequest, *, interval: int, lifetime: int
) -> None:
    """Store a request under a fresh credential. One round trip.

    Args:
        issuer: Ours.
        client: Whose request it is: no other client may poll for it.
        fresh: From ``prepare``.
        record: The request; it is sealed where there is any secret to seal it with.
        interval: Seconds between two polls, at most 9999.
        lifetime: Seconds that it waits at most.

    Raises:
        TemporarilyUnavailable: Redis is.
    """
    content = record.encode()
    sealed = issuer.request_sealing.seal(content).encode() or content
    await issuer.store.polled_requests.begin(_credential_of(fresh.reference), client, sealed, interval, lifetime)


async def poll(
    issuer: Issuer, token_request: TokenRequest, presented_as: type[PresentedPolledRequest], text: str
) -> Authorization:
    """Answer a poll, as a grant type does. One round trip.

    Args:
        issuer: Ours.
        token_request: The poll.
        presented_as: The kind of request.
        text: The credential as it was sent.

    Raises:
        AuthorizationPending: Nobody has decided yet.
        SlowDown: It came within the interval, which is 5 seconds longer from now on (RFC 8628 section 3.5).
        AccessDenied: The request was denied.
        ExpiredToken: Its time is over.
        InvalidGrant: It is none of ours, another client's, was spent, or its grant has ended.
    """
    name, request = presented_as.NAME, token_request.request
    credential = parse(text)
    if credential is None or credential.kind is not presented_as.KIND:
        raise InvalidGrant(log=f"not a {name} of ours")
    by = base64url(issuer.randomness(9))
    polled = await issuer.store.polled_requests.poll(credential, token_request.client, by)
    _check_answer(polled.answer, name)
    if polled.grant is None or not token_request.client.grant_is_current(polled.grant):
        raise InvalidGrant(log=f"{name} was allowed, and its grant has ended")
    allowance = polled.allowance or Allowance()
    presented = presented_as(
        credential=credential,
        grant=polled.grant,
        presented=text,
        is_spent=polled.allowance is None,
        reply=polled.reply,
        binding=allowance.binding,
        allowance=allowance,
        spent_key=polled.key,
        is_listening=request.is_listening,
    )
    check_not_replayed(presented, token_request.binding)
    return Authorization(
        grant=polled.grant,
        granted=check_still_open(
            issuer, token_request.client, token_request.requested.resources_within(granted_by(polled.grant))
        ),
        spends=presented,
        address=request.address,
    )


def _check_answer(answer: PollAnswer, name: str) -> None:
    """Raise the error of a poll that brings no tokens."""
    match answer:
        case PollAnswer.PENDING:
            raise AuthorizationPending
        case PollAnswer.SLOW_DOWN:
            raise SlowDown
        case PollAnswer.DENIED:
            raise AccessDenied("The request was denied.")
        case PollAnswer.EXPIRED:
            raise ExpiredToken
        case PollAnswer.FOREIGN:
            raise InvalidGrant(log=f"{name} was issued to another client, or the client's grants were ended")


async def end_pause(issuer: Issuer, text: str) -> None:
    """Let a client that is notified of the end of its request poll at once. One round trip. ``text`` is the credential."""
    credential = parse(text)
    if credential is not None:
        await issuer.store.polled_requests.end_pause(credential)


# the deciding side


async def load(issuer: Issuer, reference: str) -> PolledRequest | None:
    """Return the request; None where it is decided, unknown or over. One round trip."""
    return await load_as(issuer, reference, PolledRequest)


async def load_as(issuer: Issuer, reference: str, kind: type[AnyPolledRequest]) -> AnyPolledRequest | None:
    """Return the request as a record of this kind."""
    content = await issuer.store.polled_requests.get(_credential_of(reference))
    return None if content is None else unsealed(issuer, content, kind)


def unsealed(issuer: Issuer, content: bytes, kind: type[AnyPolledRequest]) -> AnyPolledRequest | None:
    """Return the request; None where no key of ours sealed it."""
    opened = content if content.startswith(b"{") else issuer.request_sealing.unseal(content.decode("ascii", "replace"))
    return None if opened is None else kind.decode(opened)


async def allow(issuer: Issuer, client: Client, reference: str, record: PolledRequest, grant: Grant) -> bool:
    """Allow a request: its client gets the tokens of this grant at its next poll. One round trip.

    Return False where it was decided before or is over, or the user may not sign in. Raises TemporarilyUnavailable.
    """
    grant = await with_claims(issuer, client, grant)
    allowance = Allowance(record.request.binding, base64url(issuer.randomness(9)))
    return await issuer.store.polled_requests.allow(_credential_of(reference), grant, allowance, record.ends_at)


async def deny(issuer: Issuer, reference: str) -> bool:
    """Deny a request. One round trip. Return False where it was decided before, or is over. Raises TemporarilyUnavailable."""
    by = base64url(issuer.randomness(9))
    return await issuer.store.polled_requests.deny(_credential_of(reference), by)


def grant_id_of(reference: str) -> str:
    """Return the id of the grant that comes of a request that is allowed."""
    return reference.partition(".")[0]


def _credential_of(reference: str) -> Credential:
    grant_id, _, digest = reference.partition(".")
    return Credential(Kind.DEVICE_CODE, grant_id, digest)  # whatever its kind: Redis has its hash only
