"""The user behind the hint of a CIBA request, and whether the client may ask them (CIBA Core 1.0 section 7)."""

import logging
from collections.abc import Mapping
from typing import Any

from service.concurrency.turns import Turns
from service.crypto.jws import SKEW, UnverifiableError
from service.directory import Person
from service.issuer import Issuer
from service.login.hinted_session import named_by
from service.observe.events import Event
from service.protocol.backchannel_request import BackchannelRequest, HintKind
from service.protocol.errors import (
    ExpiredLoginHintToken,
    InvalidRequest,
    InvalidUserCode,
    MissingUserCode,
    UnknownUserId,
)
from service.protocol.names import TrustUse
from service.records.client import Client
from service.records.trusted_issuer import TrustedIssuer
from service.store.failures import Limit
from service.tokens import assertions
from service.tokens.id_tokens import Hint, read_hint, subject_for
from service.tokens.trusted_issuers import subject_of, trusted_issuer_of, verify_by_issuer

log = logging.getLogger(__name__)

_turns = Turns(50, "user codes of one user from one client")
_NOBODY = "The hint is of no user here."


async def user_of(issuer: Issuer, client: Client, ciba_request: BackchannelRequest) -> Person:
    """Return the user whom the client names, if it may ask them.

    Raises:
        UnknownUserId: There is no such user, or they are disabled.
        ExpiredLoginHintToken: A token that hints at them has expired.
        InvalidRequest: The hint is invalid.
        MissingUserCode, InvalidUserCode: The user has a user code.
        TemporarilyUnavailable: The directory is.
    """
    person = await _FINDERS[ciba_request.hint_kind](issuer, client, ciba_request.hint)
    await _check_user_code(issuer, client, person, ciba_request.user_code)
    return person


async def expected_subject(issuer: Issuer, client: Client, ciba_request: BackchannelRequest) -> str:
    """Return the subject that an ID token as hint names, as the client knows it; "" for other hints. Raises InvalidRequest."""
    return (
        (await _read(issuer, client, ciba_request.hint)).subject
        if ciba_request.hint_kind is HintKind.ID_TOKEN_HINT
        else ""
    )


async def _by_login_hint(issuer: Issuer, _client: Client, hint: str) -> Person:
    """Find a user by name."""
    person = await issuer.directory.find(hint)
    if person is None:
        raise UnknownUserId(_NOBODY)
    return person


async def _by_id_token(issuer: Issuer, client: Client, hint: str) -> Person:
    """Read an ID token that this client got here; it may have expired, as at the authorization endpoint (Core 3.1.2.1)."""
    read = await _read(issuer, client, hint)
    named = await named_by(issuer, client, read)
    subject = named.subject if named is not None else read.subject
    if named is None and subject_for(issuer, client, subject) != subject:
        # A pairwise subject whose grant has ended: it must not be taken for a subject of ours.
        raise UnknownUserId(_NOBODY)
    person = await issuer.directory.find_subject(subject)
    if person is None:
        raise UnknownUserId(_NOBODY)
    return person


async def _read(issuer: Issuer, client: Client, hint: str) -> Hint:
    read = await read_hint(issuer, hint, client)
    if read is None or read.client_id != client.client_id:
        raise InvalidRequest("id_token_hint is not an ID token that this client got here.")
    return read


async def _by_token(issuer: Issuer, client: Client, hint: str) -> Person:
    """Read a JWT of an issuer that is trusted for hints; it may be sent more than once until it expires."""
    try:
        assertion = assertions.read(hint, assertions.PLAIN_TYPES)
        trusted = await trusted_issuer_of(issuer, client, assertion, TrustUse.LOGIN_HINT)
        claims = assertion.jws.claims()
        _check_hint_token(issuer, trusted, claims)
        await verify_by_issuer(issuer, trusted, assertion)
        subject = subject_of(trusted, claims)
    except UnverifiableError as error:
        raise InvalidRequest(
            f"The login_hint_token cannot be used: {error}", log=f"login_hint_token: {error}"
        ) from error
    person = await issuer.directory.find_subject(subject)
    if person is None:
        raise UnknownUserId(_NOBODY)
    return person


def _check_hint_token(issuer: Issuer, trusted: TrustedIssuer, claims: Mapping[str, Any]) -> None:
    """Check audience and end; all else is checked with the signature. Raises UnverifiableError, ExpiredLoginHintToken."""
    audience, end = claims.get("aud"), claims.get("exp")
    named = audience if isinstance(audience, list) else [audience]
    if issuer.url not in named and (trusted.audience is None or trusted.audience not in named):
        raise UnverifiableError("aud does not name this issuer")
    if isinstance(end, bool) or not isinstance(end, int | float):
        raise UnverifiableError("it needs exp")
    if end < issuer.clock() - SKEW:
        raise ExpiredLoginHintToken("The login_hint_token has expired.")


_FINDERS = {
    HintKind.LOGIN_HINT: _by_login_hint,
    HintKind.ID_TOKEN_HINT: _by_id_token,
    HintKind.LOGIN_HINT_TOKEN: _by_token,
}


async def _check_user_code(issuer: Issuer, client: Client, person: Person, user_code: str | None) -> None:
    """Check the user code of a user who has one; guesses by a client are slowed down.

    Requests before a delay is over are neither checked nor counted, so continued guessing does not lengthen it.
    """
    if person.user_code_hash == "":
        return
    if user_code is None:
        raise MissingUserCode("The user is asked only by who knows their user code: send it as user_code.")
    failures, who = issuer.store.failures, f"user-code:{client.client_id}@{issuer.store.pseudonyms.of(person.subject)}"
    async with _turns.turn_of(who):
        state = failures.state(*await issuer.store.connection.execute_all(failures.read_steps(who)))
        if state.wait:
            raise _blocked(issuer, client, person, state.wait)
        if await issuer.hashing.verify(user_code, person.user_code_hash):
            if state.failed:
                await failures.forget(who)
            return
        limit = Limit.of(issuer.settings, issuer.settings.user_failures_allowed)
        if wait := await failures.count(who, limit):
            raise _blocked(issuer, client, person, wait)
        raise InvalidUserCode("The user_code is not the user's.")


def _blocked(issuer: Issuer, client: Client, person: Person, wait: int) -> InvalidUserCode:
    issuer.metrics.security_event(Event.BACKCHANNEL_USER_CODE_BLOCKED)
    log.warning(Event.BACKCHANNEL_USER_CODE_BLOCKED, extra={"client_id": client.client_id, "subject": person.subject})
    return InvalidUserCode(
        f"Too many wrong user codes; try again in {wait} seconds.",
        log="user codes of the client are blocked for this user",
        status=429,
        headers={"Retry-After": str(wait)},
    )
