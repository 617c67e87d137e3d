"""The measured kinds of work, and the limits of each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from loadtests.generator import Orders, literally
from loadtests.supplies import (
    CERTIFIED,
    CLIENT_ID,
    DEVICES,
    EXCHANGED_FOR,
    EXCHANGING,
    ISSUER,
    JWT_CLIENTS,
    PASSWORD,
    REDIRECT_URI,
    SCOPE,
    SIGNERS,
    VERIFIER,
    Supplier,
)
from service.endpoints import introspect, pushed_authorization, revoke
from service.endpoints.metadata import PATH
from service.protocol.binding import Binding
from service.protocol.names import OPENID, GrantTypeName, SigningAlgorithm
from service.protocol.pkce import s256
from service.protocol.token_exchange import TokenType
from service.tokens.assertions import CLIENT_ASSERTION

TOKEN_PATH = "/token"
POOL = 1000
"""The number of different tokens that are introspected in turn."""

TOKEN_TYPE, BOUND = '"token_type":"Bearer"', '"token_type":"DPoP"'
EXPIRES_IN, SCOPED = '"expires_in":%d+[,}]', f'"scope":"{SCOPE}"'
ACCESS = '^{"access_token":"mm_at_[%w_-]+",'
REFRESH = '"refresh_token":"mm_rt_[%w_-]+"'
ALONE = (ACCESS, TOKEN_TYPE, EXPIRES_IN, SCOPED)
PAIR = (*ALONE, REFRESH)
A_JWT = "eyJ[%w_-]+%.[%w_-]+%.[%w_-]+"
SIGNED = (
    ACCESS,
    TOKEN_TYPE,
    EXPIRES_IN,
    f'"scope":"{OPENID} {SCOPE}"',
    REFRESH,
    f'"id_token":"{A_JWT}"',
)
ACTIVE = ('"active":true', '"sub":"[^"]+"', f'"client_id":"{literally(CLIENT_ID)}"', SCOPED, '"exp":%d+')


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits at 64 connections; None: there is no limit.

    Args:
        times_empty: The CPU of the server as a multiple of E.
        redis: CPU µs of Redis per request.
        times_peer: How many times as much the first peer is to cost.
    """

    times_empty: float | None = None
    redis: float | None = None
    times_peer: float | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work.

    Args:
        name: The name, for options.
        title: The title, for tables.
        orders: Makes the requests, for a supplier and a number of them.
        limits: Its limits.
        hot: Whether short runs include it.
        apart: Whether argon2's threads are counted separately.
        proxied: Whether the server is behind a proxy (``servers.PROXIED``).
    """

    name: str
    title: str
    orders: Callable[[Supplier, int], Awaitable[Orders]]
    limits: Limits = Limits()
    hot: bool = True
    apart: bool = False
    proxied: bool = False


def _form(supplier: Supplier, **parameters: str) -> dict[str, str]:
    return {**parameters, "client_id": CLIENT_ID, "client_secret": supplier.secret}


async def _client_credentials(supplier: Supplier, _: int) -> Orders:
    form = _form(supplier, grant_type="client_credentials", scope=SCOPE)
    return Orders(TOKEN_PATH, [form], patterns=ALONE)


async def _private_key_jwt(supplier: Supplier, count: int) -> Orders:
    """Request a token with a client assertion, each used once."""
    fixed = {"grant_type": "client_credentials", "scope": SCOPE, "client_assertion_type": CLIENT_ASSERTION}
    forms = [{**fixed, "client_assertion": one} for one in supplier.assertions(count)]
    return Orders(TOKEN_PATH, forms, once=True, patterns=ALONE)


async def _dpop(supplier: Supplier, count: int) -> Orders:
    """Request a token that is bound to a key, with DPoP proofs, each used once."""
    form = _form(supplier, grant_type="client_credentials", scope=SCOPE)
    proofs = supplier.proofs(count, ISSUER + TOKEN_PATH)
    patterns = (ACCESS, BOUND, EXPIRES_IN, SCOPED)
    return Orders(TOKEN_PATH, [form] * count, once=True, patterns=patterns, own_headers=proofs)


async def _certificate(supplier: Supplier, _: int) -> Orders:
    """Request a token that is bound to the client's certificate, which a proxy forwards (RFC 9440).

    At a TLS listener of ours it costs the same and a share of the connection; the generator cannot send certificates.
    """
    form = {"grant_type": "client_credentials", "scope": SCOPE, "client_id": CERTIFIED}
    return Orders(TOKEN_PATH, [form], patterns=ALONE, headers=supplier.certificate.headers)


def _jwt(algorithm: SigningAlgorithm) -> Callable[[Supplier, int], Awaitable[Orders]]:
    """Request a JWT access token for a client."""

    async def orders(supplier: Supplier, _: int) -> Orders:
        form = _form(supplier, grant_type="client_credentials", scope=SCOPE) | {"client_id": JWT_CLIENTS[algorithm]}
        patterns = (f'^{{"access_token":"{A_JWT}",', TOKEN_TYPE, EXPIRES_IN, SCOPED)
        return Orders(TOKEN_PATH, [form], patterns=patterns)

    return orders


async def _introspect_active(supplier: Supplier, _: int) -> Orders:
    tokens = [issued.access_token for issued in await supplier.grants(POOL)]
    return introspection(supplier, tokens, ACTIVE)


async def _introspect_bound(supplier: Supplier, _: int) -> Orders:
    """Introspect tokens that are bound to a key, which their resource servers check."""
    tokens = [issued.access_token for issued in await supplier.grants(POOL, Binding(jkt=supplier.jkt))]
    return introspection(supplier, tokens, (*ACTIVE, BOUND, '"cnf":{"jkt":"[^"]+"}'))


async def _introspect_certificate(supplier: Supplier, _: int) -> Orders:
    """Introspect tokens that are bound to a certificate."""
    tokens = [issued.access_token for issued in await supplier.grants(POOL, Binding(x5t_s256=supplier.x5t_s256))]
    return introspection(supplier, tokens, (*ACTIVE, TOKEN_TYPE, '"cnf":{"x5t#S256":"[^"]+"}'))


async def _introspect_unknown(supplier: Supplier, _: int) -> Orders:
    return introspection(supplier, supplier.unknown_tokens(POOL), ('^{"active":false}$',))


async def _redeem(supplier: Supplier, count: int) -> Orders:
    fixed = _form(supplier, grant_type="authorization_code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    forms = [{**fixed, "code": code} for code in await supplier.codes(count)]
    return Orders(TOKEN_PATH, forms, once=True, patterns=PAIR)


def _redeem_signed(algorithm: SigningAlgorithm) -> Callable[[Supplier, int], Awaitable[Orders]]:
    """Redeem a code at the end of a sign-in, with an ID token."""

    async def orders(supplier: Supplier, count: int) -> Orders:
        fixed = _form(supplier, grant_type="authorization_code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
        fixed |= {"client_id": SIGNERS[algorithm]}
        forms = [{**fixed, "code": code} for code in await supplier.codes(count, algorithm)]
        return Orders(TOKEN_PATH, forms, once=True, patterns=SIGNED)

    return orders


async def _refresh(supplier: Supplier, count: int) -> Orders:
    return refreshing(supplier, [issued.refresh_token for issued in await supplier.grants(count)])


async def _revoke(supplier: Supplier, count: int) -> Orders:
    """Revoke refresh tokens, which ends their grants, as a logout does."""
    fixed = _form(supplier, token_type_hint="refresh_token")
    forms = [{**fixed, "token": issued.refresh_token} for issued in await supplier.grants(count)]
    return Orders(revoke.PATH, forms, once=True, patterns=("^$",))


async def _password(supplier: Supplier, _: int) -> Orders:
    fixed = _form(supplier, grant_type="password", password=PASSWORD, scope=SCOPE)
    return Orders(TOKEN_PATH, [{**fixed, "username": name} for name in await supplier.users()], patterns=PAIR)


async def _push(supplier: Supplier, _: int) -> Orders:
    """Push an authorization request with the client's secret (RFC 9126)."""
    form = _form(supplier, response_type="code", redirect_uri=REDIRECT_URI, scope=SCOPE, state="s" * 43)
    form |= {"code_challenge": s256(VERIFIER), "code_challenge_method": "S256"}
    patterns = ('^{"request_uri":"urn:ietf:params:oauth:request_uri:mm_pr_[%w_-]+",', '"expires_in":60}$')
    return Orders(pushed_authorization.PATH, [form], patterns=patterns, status=201)


async def _exchange(supplier: Supplier, _: int) -> Orders:
    """Exchange a user's token for one at another API, as a service does (RFC 8693)."""
    fixed = {
        "grant_type": GrantTypeName.TOKEN_EXCHANGE.value,
        "client_id": EXCHANGING,
        "client_secret": supplier.secret,
    }
    fixed |= {"subject_token_type": TokenType.ACCESS_TOKEN.value, "audience": EXCHANGED_FOR}
    forms = [{**fixed, "subject_token": issued.access_token} for issued in await supplier.grants(POOL)]
    return Orders(TOKEN_PATH, forms, patterns=(*ALONE, '"issued_token_type":"urn:[^"]+"'))


async def _poll(supplier: Supplier, count: int) -> Orders:
    """Poll as a device whose user has not decided yet, as at nearly every poll (RFC 8628)."""
    fixed = {"grant_type": GrantTypeName.DEVICE_CODE.value, "client_id": DEVICES}
    forms = [{**fixed, "device_code": code} for code in await supplier.device_codes(count)]
    return Orders(TOKEN_PATH, forms, once=True, patterns=('^{"error":"authorization_pending",',), status=400)


async def _discover(_: Supplier, __: int) -> Orders:
    return Orders(PATH, patterns=('^{"issuer":"http', '"token_endpoint":"http[^"]+/token"'))


def introspection(supplier: Supplier, tokens: list[str], patterns: tuple[str, ...]) -> Orders:
    """Introspect these tokens in turn."""
    fixed = _form(supplier, token_type_hint="access_token")
    return Orders(introspect.PATH, [{**fixed, "token": token} for token in tokens], patterns=patterns)


def refreshing(supplier: Supplier, refresh_tokens: list[str]) -> Orders:
    """Use each of these refresh tokens once."""
    fixed = _form(supplier, grant_type="refresh_token")
    forms = [{**fixed, "refresh_token": token} for token in refresh_tokens]
    return Orders(TOKEN_PATH, forms, once=True, patterns=PAIR)


async def empty(supplier: Supplier, _: int = 0) -> Orders:
    """Send the same form to the empty handler."""
    form = (await _client_credentials(supplier, 0)).forms
    return Orders(TOKEN_PATH, form, patterns=('^{"active":false}$',))


WORKS = {
    work.name: work
    for work in (
        Work("client_credentials", "client_credentials", _client_credentials, Limits(1.8, 8, 2.5)),
        Work("private_key_jwt", "client_credentials, private_key_jwt ES256", _private_key_jwt, Limits(5.5), hot=False),
        Work("dpop", "client_credentials, bound by DPoP ES256", _dpop, Limits(5.5), hot=False),
        Work("certificate", "client_credentials, bound to a certificate", _certificate, hot=False, proxied=True),
        Work(
            "jwt_es256",
            "client_credentials, JWT access token ES256",
            _jwt(SigningAlgorithm.ES256),
            Limits(3.4),
            hot=False,
        ),
        Work("jwt_rs256", "client_credentials, JWT access token RS256", _jwt(SigningAlgorithm.RS256), hot=False),
        Work("introspect_active", "introspection, active token", _introspect_active, Limits(1.7, None, 3.0)),
        Work("introspect_bound", "introspection, DPoP-bound token", _introspect_bound, Limits(2.8), hot=False),
        Work("introspect_certificate", "introspection, certificate-bound token", _introspect_certificate, hot=False),
        Work("introspect_unknown", "introspection, unknown token", _introspect_unknown, hot=False),
        Work("redeem", "code → access + refresh", _redeem, Limits(2.9, 17, 4.5)),
        Work(
            "redeem_es256", "code → … + ID token, ES256", _redeem_signed(SigningAlgorithm.ES256), Limits(4.2, None, 4.0)
        ),
        Work(
            "redeem_rs256",
            "code → … + ID token, RS256",
            _redeem_signed(SigningAlgorithm.RS256),
            Limits(14.0, None, 2.2),
        ),
        Work("refresh", "refresh, rotation, sealed reply", _refresh, Limits(2.8, 20, 4.0)),
        Work("revoke", "revocation of a refresh token", _revoke, Limits(1.7, None, 4.5)),
        Work("password", "password, argon2 apart", _password, hot=False, apart=True),
        Work("push", "pushed authorization request", _push, Limits(3.5), hot=False),
        Work("exchange", "token exchange, another audience", _exchange, hot=False),
        Work("device_poll", "a device polls, nobody has decided", _poll, Limits(2.2), hot=False),
        Work("discovery", "discovery metadata", _discover, hot=False),
    )
}
"""The works by name, in the order of the table."""
