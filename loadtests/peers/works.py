"""The works of ``loadtests.work`` for a peer. As they are requests of OAuth, only paths and patterns differ."""

from collections.abc import Awaitable, Callable

from loadtests.generator import Orders, literally
from loadtests.peers.peer import RunningPeer
from loadtests.supplies import ASSERTING, CLIENT_ID, JWT_CLIENTS, REDIRECT_URI, SCOPE, SIGNERS, VERIFIER, Supplier
from loadtests.work import A_JWT, POOL
from service.protocol.names import OPENID, SigningAlgorithm
from service.protocol.pkce import s256
from service.tokens.assertions import CLIENT_ASSERTION

PeerWork = Callable[[RunningPeer, Supplier, int], Awaitable[Orders]]


async def _client_credentials(peer: RunningPeer, _: Supplier, __: int) -> Orders:
    form = peer.form(grant_type="client_credentials", scope=SCOPE, client_id=peer.machine)
    return Orders(peer.token, [form], patterns=_tokens(peer.access))


async def _private_key_jwt(peer: RunningPeer, supplies: Supplier, count: int) -> Orders:
    fixed = {"grant_type": "client_credentials", "scope": SCOPE, "client_assertion_type": CLIENT_ASSERTION}
    fixed |= {"client_id": ASSERTING}
    forms = [{**fixed, "client_assertion": one} for one in supplies.assertions(count, peer.audience)]
    return Orders(peer.token, forms, once=True, patterns=_tokens(peer.access))


async def _dpop(peer: RunningPeer, supplies: Supplier, count: int) -> Orders:
    form = peer.form(grant_type="client_credentials", scope=SCOPE)
    proofs = supplies.proofs(count, peer.server.url + peer.token)
    patterns = _tokens(peer.access, "DPoP")
    return Orders(peer.token, [form] * count, once=True, patterns=patterns, own_headers=proofs)


def _jwt(algorithm: SigningAlgorithm) -> PeerWork:
    async def orders(peer: RunningPeer, _: Supplier, __: int) -> Orders:
        form = peer.form(grant_type="client_credentials", scope=SCOPE, client_id=JWT_CLIENTS[algorithm])
        return Orders(peer.token, [form], patterns=_tokens(A_JWT))

    return orders


async def _introspect(peer: RunningPeer, _: Supplier, __: int) -> Orders:
    tokens = [made["access_token"] for made in await peer.make("grants", POOL, None)]
    forms = [peer.form(token=token, token_type_hint="access_token") for token in tokens]
    client = _member("client_id", literally(CLIENT_ID))
    user = _member(peer.user, '[^"]+')
    return Orders(peer.introspection, forms, patterns=('"active": ?true', client, user, *_scoped(SCOPE), '"exp": ?%d+'))


async def _redeem(peer: RunningPeer, _: Supplier, count: int) -> Orders:
    return await _redemption(peer, count, CLIENT_ID, None)


def _redeem_signed(algorithm: SigningAlgorithm) -> PeerWork:
    async def orders(peer: RunningPeer, _: Supplier, count: int) -> Orders:
        return await _redemption(peer, count, SIGNERS[algorithm], algorithm)

    return orders


async def _redemption(peer: RunningPeer, count: int, client: str, algorithm: SigningAlgorithm | None) -> Orders:
    fixed = peer.form(grant_type="authorization_code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    fixed |= {"client_id": client}
    forms = [{**fixed, "code": made["code"]} for made in await peer.make("codes", count, algorithm)]
    refresh, signed = _member("refresh_token", peer.refresh), (_member("id_token", A_JWT), *_scoped(OPENID))
    patterns = (*_tokens(peer.access), refresh, *(signed if algorithm else ()))
    return Orders(peer.token, forms, once=True, patterns=patterns)


async def _refresh(peer: RunningPeer, _: Supplier, count: int) -> Orders:
    fixed = peer.form(grant_type="refresh_token")
    forms = [{**fixed, "refresh_token": made["refresh_token"]} for made in await peer.make("grants", count, None)]
    patterns = (*_tokens(peer.access), _member("refresh_token", peer.refresh))
    return Orders(peer.token, forms, once=True, patterns=patterns)


async def _push(peer: RunningPeer, _: Supplier, __: int) -> Orders:
    form = peer.form(response_type="code", redirect_uri=REDIRECT_URI, scope=SCOPE, state="s" * 43)
    form |= {"code_challenge": s256(VERIFIER), "code_challenge_method": "S256"}
    patterns = (_member("request_uri", 'urn:[^"]+'), '"expires_in": ?%d+')
    return Orders(peer.pushed, [form], patterns=patterns, status=201)


async def _revoke(peer: RunningPeer, _: Supplier, count: int) -> Orders:
    fixed = peer.form(token_type_hint="refresh_token")
    forms = [{**fixed, "token": made["refresh_token"]} for made in await peer.make("grants", count, None)]
    return Orders(peer.revocation, forms, once=True, patterns=("^[{} ]*$",))


PEER_WORKS: dict[str, PeerWork] = {
    "client_credentials": _client_credentials,
    "private_key_jwt": _private_key_jwt,
    "dpop": _dpop,
    "jwt_es256": _jwt(SigningAlgorithm.ES256),
    "jwt_rs256": _jwt(SigningAlgorithm.RS256),
    "introspect_active": _introspect,
    "redeem": _redeem,
    "redeem_es256": _redeem_signed(SigningAlgorithm.ES256),
    "redeem_rs256": _redeem_signed(SigningAlgorithm.RS256),
    "refresh": _refresh,
    "revoke": _revoke,
    "push": _push,
}
"""The works by their name in ``WORKS``, in the order of the table."""


def _tokens(access: str, token_type: str = "[Bb]earer") -> tuple[str, ...]:
    """Return patterns of a token response, in which a peer may write a blank after each colon, and scopes in any order."""
    return (_member("access_token", access), _member("token_type", token_type), '"expires_in": ?%d+', *_scoped(SCOPE))


def _scoped(scope: str) -> tuple[str, ...]:
    return tuple(f'"scope": ?"[a-z ]*{each}[a-z ]*"' for each in scope.split())


def _member(name: str, pattern: str) -> str:
    return f'"{name}": ?"{pattern}"'
