"""grant_type=urn:ietf:params:oauth:grant-type:token-exchange: a token is exchanged for another one (RFC 8693).

The client may exchange its own tokens, those that are for it as a resource server, and those of the clients that its record
names (``exchange_from``), for less of the same; for other APIs where its record names them (``exchange_audiences``). Nothing
is ever widened, and the new token ends with the ones that it derives from. For another authorization server the client gets
a grant that is redeemed there: an ID-JAG, or one of draft-ietf-oauth-identity-chaining (``exchange_issuers``).
"""

import asyncio

import msgspec

from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol import scopes
from service.protocol.binding import UNBOUND, Binding
from service.protocol.errors import InvalidGrant, InvalidRequest, InvalidTarget, UnauthorizedClient
from service.protocol.names import OPENID, GrantTypeName, SubjectType, UnknownScope
from service.protocol.requested import Granted, Requested
from service.protocol.targets import check_elsewhere
from service.protocol.token_exchange import ACT, ExchangeRequest, TokenType, delegated, may_become_actor
from service.records.access_token import Source
from service.records.client import Client
from service.records.grant import Grant
from service.store.replay_checks import confirm
from service.tokens.authorization import Authorization, Exchange
from service.tokens.binding import possession_of
from service.tokens.exchangeable_tokens import ExchangeableToken, UsedTokenError, check_type, present_own
from service.tokens.foreign_tokens import present_foreign
from service.tokens.members import members_open_to
from service.tokens.refresh_tokens import PresentedRefreshToken
from service.tokens.replay import ReplayedError, check_not_replayed, end_replayed
from service.tokens.resources import check_still_open, scopes_of
from service.tokens.token_request import TokenRequest

ANY_CLIENT = "*"
_MOST_SOURCES = 16
"""The most tokens and actors that a token may derive from: each is checked when it is used."""
_KEPT = (TokenType.ACCESS_TOKEN, TokenType.JWT)
_OFFERED = (*_KEPT, TokenType.ID_TOKEN, TokenType.ID_JAG)


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Verify the presented tokens, and narrow them to what is asked for. Raises InvalidRequest for an unacceptable token."""
    client, request = token_request.client, token_request.request
    exchange_request = ExchangeRequest.of(request)
    issued_type = exchange_request.requested_token_type or TokenType.ACCESS_TOKEN
    if issued_type not in _OFFERED or (issued_type is not TokenType.ACCESS_TOKEN and issuer.keyring is None):
        raise InvalidRequest("There is no such requested_token_type here.")
    if client.public and not client.exchange_audiences:
        raise UnauthorizedClient("A public client may exchange tokens where its record says for what.")
    try:
        subject, actor = await presented_by(issuer, token_request, exchange_request)
    except UsedTokenError as used:
        await _end_replayed(issuer, token_request, used.spends)
        raise
    _check_subject(client, subject)
    members = _acting(issuer, client, subject, actor)
    foreign = _foreign_issuer(client, exchange_request, issued_type)
    if foreign is not None:
        granted = _for_other_server(client, exchange_request, token_request.requested, subject)
        granted = msgspec.structs.replace(granted, members=members)
    else:
        granted = _granted(issuer, client, token_request.requested, subject, exchange_request, issued_type)
        granted = msgspec.structs.replace(granted, members=(granted.members or {}) | members or None)
    exchange = Exchange(
        issued_type=issued_type,
        subject_type=subject.type,
        subject_client_id=subject.client.client_id if subject.client else "",
        ends_at=min((token.ends_at for token in (subject, actor) if token and token.ends_at), default=0),
        grant_id=subject.grant_id,
        sources=_sources(subject, actor),
        issuer=foreign[0] if foreign else "",
        client_id=foreign[1] if foreign else "",
        resources=exchange_request.resources,
    )
    return Authorization(
        grant=_grant_of(client, subject, granted),
        granted=granted,
        address=request.address,
        binding=_bound(token_request.binding, subject.binding),
        is_final=True,
        exchange=exchange,
    )


async def presented_by(
    issuer: Issuer, token_request: TokenRequest, exchange_request: ExchangeRequest
) -> tuple[ExchangeableToken, ExchangeableToken | None]:
    """Open subject and actor token at the same time. Raises InvalidRequest."""
    proved = _bound(token_request.binding, (await possession_of(issuer, token_request.request, "")).binding)
    client, subject_type = token_request.client, exchange_request.subject_token_type
    opening = [_present(issuer, client, "subject_token", exchange_request.subject_token, subject_type, proved)]
    if exchange_request.actor_token_type is not None:
        opening.append(
            _present(
                issuer, client, "actor_token", exchange_request.actor_token, exchange_request.actor_token_type, proved
            )
        )
    subject, *actors = await asyncio.gather(*opening)
    if not subject.grant_id and subject.client is not None:
        raise InvalidRequest("subject_token is kept nowhere, so that nothing could end with it.")
    if client.public and any(one.client and one.type is not TokenType.ACCESS_TOKEN for one in (subject, *actors)):
        # an ID token names no key of its client, and a public client's refresh token is rotated at each use
        raise InvalidRequest("A public client exchanges access tokens alone.")
    return subject, actors[0] if actors else None


async def _present(
    issuer: Issuer, client: Client, name: str, text: str, token_type: TokenType, proved: Binding
) -> ExchangeableToken:
    own = await present_own(issuer, name, text, proved)
    if own is not None:
        check_type(own, name, text, token_type)
    return own or await present_foreign(issuer, client, name, text, token_type)


async def _end_replayed(issuer: Issuer, token_request: TokenRequest, spends: PresentedRefreshToken) -> None:
    """End the grant of a used refresh token, as a refresh would (P2). Raises the error of a replay check."""
    if not token_request.client.grant_is_current(spends.grant):
        return
    try:
        check_not_replayed(spends, token_request.binding)
    except ReplayedError as replayed:
        await confirm(token_request.replay_checks)
        await end_replayed(issuer, replayed)
    except InvalidGrant:
        return  # without the key that it was used with


# permission to exchange


def _check_subject(client: Client, subject: ExchangeableToken) -> None:
    """Raise InvalidRequest for a token that this client may not exchange (RFC 8693 section 2.2.2)."""
    owner = subject.client
    if owner is None or owner.client_id == client.client_id:
        return
    if not subject.grant.subject:  # sub is a client_id, which together with another client_id could be taken for a user
        raise InvalidRequest("subject_token is about a client: only that one may exchange it.")
    is_listed = bool({owner.client_id, ANY_CLIENT} & set(client.exchange_from))
    names = (client.client_id, *client.resources)
    is_for_it = subject.type is TokenType.ACCESS_TOKEN and any(name in names for name in subject.granted.audience)
    if subject.type is TokenType.REFRESH_TOKEN or not (is_listed or (is_for_it and not client.public)):
        raise InvalidRequest("The client may not exchange this subject_token.")


def _acting(
    issuer: Issuer, client: Client, subject: ExchangeableToken, actor: ExchangeableToken | None
) -> dict[str, object]:
    """Return the actors, and those who may act (RFC 8693 sections 4.1 and 4.4). Earlier actors are kept."""
    if actor is None:
        acting, members = {"sub": client.client_id, "client_id": client.client_id}, {ACT: subject.act}
    else:
        if actor.act is not None:
            raise InvalidRequest("actor_token says itself that another one acts.")
        if actor.client is not None and actor.client.client_id != client.client_id:
            _check_actor(client, actor)
        acting = actor.actor_for(issuer, client)
        members = {ACT: delegated(acting, subject.act)}
    if subject.may_act is not None and not may_become_actor(subject.may_act, acting, issuer.url):
        raise InvalidRequest("subject_token names another one who may act (may_act).")
    return {name: value for name, value in {**members, "may_act": subject.may_act}.items() if value}


def _check_actor(client: Client, actor: ExchangeableToken) -> None:
    """Raise InvalidRequest for a token of another client that does not count as an actor here."""
    owner = actor.client.client_id if actor.client else ""
    if actor.type is TokenType.REFRESH_TOKEN or not {owner, ANY_CLIENT} & set(client.exchange_from):
        raise InvalidRequest("The client may not exchange this actor_token.")


# target of the exchange


def _granted(
    issuer: Issuer,
    client: Client,
    requested: Requested,
    subject: ExchangeableToken,
    exchange_request: ExchangeRequest,
    issued_type: TokenType,
) -> Granted:
    """Return what is asked for of the subject token. Raises InvalidScope, InvalidTarget."""
    held, targets = subject.granted, (*exchange_request.resources, *exchange_request.audiences)
    is_id_token = issued_type is TokenType.ID_TOKEN
    if is_id_token and subject.client is None:
        raise InvalidRequest("An ID token comes of a token of ours: others say themselves who signed in.")
    if is_id_token:
        if targets not in ((), (client.client_id,)) or not subject.grant.subject:
            raise InvalidTarget("An ID token is about a user, and for the client itself.")
        targets = ()
    if not _is_own(client, subject):
        held = msgspec.structs.replace(held, members=members_open_to(client, held.members or {}))
    scope = requested.scope
    if subject.client is None and scope is None:
        default = issuer.settings.default_scope if client.default_scope is None else client.default_scope
        scope = scopes.grantable(None, held.scope.split(), default, UnknownScope.REFUSE)
    wanted = Requested(scope, targets)
    allowed = scopes_of(issuer, client, (*held.audience, *targets))
    granted = wanted.exchanged(held, scopes_allowed=allowed, audiences=client.exchange_audiences)
    if is_id_token and OPENID not in granted.scope.split():
        raise InvalidRequest("subject_token does not stand for the scope openid.")
    if client.public and (not granted.audience or not set(granted.audience) <= set(client.exchange_audiences)):
        raise InvalidTarget("A public client names for which of its audiences it exchanges a token.")
    return check_still_open(issuer, client, granted, client.exchange_audiences) if _is_own(client, subject) else granted


def _foreign_issuer(
    client: Client, exchange_request: ExchangeRequest, issued_type: TokenType
) -> tuple[str, str] | None:
    """Return the other authorization server that a grant is for, and the client there; None for a token of ours.

    Raises InvalidRequest, InvalidTarget, UnauthorizedClient.
    """
    known = {name: client_id or client.client_id for name, _, client_id in map(_parted, client.exchange_issuers)}
    is_id_jag = issued_type is TokenType.ID_JAG
    if not is_id_jag and not (issued_type is TokenType.JWT and known.keys() & set(exchange_request.audiences)):
        return None
    if client.public:
        raise UnauthorizedClient("Grants for other servers are for confidential clients only.")
    if len(exchange_request.audiences) != 1:
        raise InvalidRequest("audience must be the issuer of one other authorization server.")
    if exchange_request.audiences[0] not in known:
        raise InvalidTarget("The client may not get grants for this audience.")
    return exchange_request.audiences[0], known[exchange_request.audiences[0]]


def _parted(named: str) -> tuple[str, str, str]:
    return named.partition("#")


def _for_other_server(
    client: Client, exchange_request: ExchangeRequest, requested: Requested, subject: ExchangeableToken
) -> Granted:
    """Return what is asked for at another server, which decides on it itself.

    Raises InvalidRequest, InvalidScope, InvalidTarget.
    """
    held, is_id_jag = subject.granted, exchange_request.requested_token_type is TokenType.ID_JAG
    if is_id_jag:
        if subject.type not in (TokenType.ID_TOKEN, TokenType.REFRESH_TOKEN) or not _is_own(client, subject):
            raise InvalidRequest("An ID-JAG comes of an ID token or refresh token of the client itself.")
        if exchange_request.actor_token:
            raise InvalidRequest("An ID-JAG knows no actor_token.")
    if subject.client is None or not subject.grant.subject:  # there a client_id could be the name of a user
        raise InvalidRequest("Grants for other servers come of tokens of ours, and are about users.")
    check_elsewhere(exchange_request.resources)
    if subject.may_act is not None:
        raise InvalidRequest("A grant for another server cannot say who may act, and subject_token does.")
    if is_id_jag and subject.type is TokenType.REFRESH_TOKEN:
        _check_within_refresh(held, exchange_request.resources)
    allowed = client.scopes
    if not (is_id_jag and subject.type is TokenType.ID_TOKEN):  # that one only states who signed in
        allowed = tuple(scope for scope in allowed if scope in held.scope.split())
    return Granted(scopes.grantable(requested.scope, allowed, "", UnknownScope.REFUSE), ())


def _check_within_refresh(held: Granted, resources: tuple[str, ...]) -> None:
    """Check that an ID-JAG states no more than a refresh could bring (section 4.3.3 of its draft).

    Its audience is no resource of the grant, but the other server, which the record of the client allows.
    Raises InvalidRequest, InvalidTarget.
    """
    if OPENID not in held.scope.split():
        raise InvalidRequest("subject_token does not stand for the scope openid.")
    if held.audience:
        Requested(resources=resources).resources_within(held)


# the new token


def _sources(subject: ExchangeableToken, actor: ExchangeableToken | None) -> tuple[Source, ...]:
    """Return the tokens that a token of ours ends with. Raises InvalidRequest where there are too many."""
    if not subject.grant_id:
        return ()
    sources = subject.sources
    if actor is not None and actor.client is not None:
        sources = (*sources, Source(actor.client.client_id, actor.grant.client_generation))
    sources = tuple(dict.fromkeys(sources))
    if len(sources) > _MOST_SOURCES:
        raise InvalidRequest(f"subject_token came from {_MOST_SOURCES} others already.")
    return sources


def _grant_of(client: Client, subject: ExchangeableToken, granted: Granted) -> Grant:
    """Return the grant of the new token: of the same user, for the client that asks."""
    grant: Grant = msgspec.structs.replace(
        subject.grant,
        client_id=client.client_id,
        client_generation=client.generation,
        grant_type=GrantTypeName.TOKEN_EXCHANGE.value,
        scope=granted.scope,
        audience=granted.audience,
        members=granted.members,
    )
    if subject.client is None or _is_own(client, subject):
        return grant
    # claims for the client of the subject token are not for others
    sub = "" if client.subject_type is SubjectType.PAIRWISE else grant.sub
    others: Grant = msgspec.structs.replace(
        grant, session="", properties=(), userinfo_claims=(), id_token_claims={}, sub=sub
    )
    return others


def _is_own(client: Client, token: ExchangeableToken) -> bool:
    return token.client is not None and token.client.client_id == client.client_id


def _bound(one: Binding, other: Binding) -> Binding:
    """Return the key of both."""
    binding = Binding(one.jkt or other.jkt, one.x5t_s256 or other.x5t_s256)
    return UNBOUND if binding == UNBOUND else binding


GRANT_TYPE = GrantType(
    GrantTypeName.TOKEN_EXCHANGE,
    authorize,
    metadata=lambda issuer: (
        {"identity_chaining_requested_token_types_supported": [TokenType.ID_JAG, TokenType.JWT]}
        if issuer.keyring
        else {}
    ),
    help="Tokens for other tokens: a service calls another one for its user, an agent acts for its user.",
)
