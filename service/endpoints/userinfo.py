"""UserInfo (OpenID Connect Core 5.3): the claims about the user of an access token."""

from typing import Any

import orjson

from service.endpoints.bearer import challenged, presented_token
from service.endpoints.endpoint import Content, MachineEndpoint, always
from service.issuer import Issuer
from service.protocol import claims
from service.protocol.decision import NO_STORE, Decision, answer
from service.protocol.errors import InsufficientScope, InvalidToken
from service.protocol.names import OPENID
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import confirm
from service.store.tokens import OpenedToken
from service.tokens.binding import NO_KEY, Possession, possession_of
from service.tokens.encryption import encrypted, encryption_metadata
from service.tokens.id_tokens import algorithm_of, keyring_of, sub_of
from service.tokens.opening import open_access_token

NAME = "userinfo"
PATH = "/userinfo"
_AS_JWT = {**NO_STORE, "Content-Type": "application/jwt"}


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Return the claims that the token's scope and the claims parameter mean; as a JWT where the client is registered so.

    The token comes in the Authorization header or in a form (RFC 6750 2.1 and 2.2), never in the query. Raises
    InvalidRequest, InvalidToken, InvalidDpopProof, UseDpopNonce (401), InsufficientScope (403), TemporarilyUnavailable.
    """
    presented = presented_token(request)
    possession = await possession_of(issuer, request, presented.text)
    token, client = await opened_for_claims(issuer, presented.text, possession, confirms=False)
    if token.record.binding.token_type != presented.scheme:
        raise InvalidToken(log=f"token is sent as {presented.scheme}")
    person = await issuer.directory.claims(token.grant.subject, token.scope.split())
    await confirm(possession.replay_checks)
    if person is None:
        raise InvalidToken(log="user is disabled or unknown")
    user_claims = claims.present(person, names_of(issuer, token)) | {"sub": sub_of(issuer, client, token.grant)}
    issuer.metrics.request(NAME, "ok")
    return await rendered(issuer, client, user_claims)


async def opened_for_claims(
    issuer: Issuer, text: str, possession: Possession | None = NO_KEY, *, confirms: bool = True
) -> tuple[OpenedToken, Client]:
    """Open an access token for UserInfo. Raises InvalidToken, InsufficientScope.

    ``possession`` are the keys that its sender proves to hold; None: a backend asks that has verified them. ``confirms`` is
    that of ``open_access_token``.
    """
    token, client = await open_access_token(issuer, text, possession, confirms=confirms)
    if OPENID not in token.scope.split() or not token.grant.subject:
        raise InsufficientScope(OPENID)
    return token, client


def names_of(issuer: Issuer, token: OpenedToken) -> set[str]:
    """Return the names of the claims that a token means: by its scope, and by the claims parameter."""
    return claims.claims_of_scopes(token.scope.split(), issuer.settings.scope_claims) | set(token.grant.userinfo_claims)


async def rendered(issuer: Issuer, client: Client, user_claims: dict[str, Any]) -> Decision:
    """Return the claims as JSON, or as a JWT, signed or encrypted or both, where the client is registered so (Core 5.3.2)."""
    registered, encryption = client.userinfo_signed_response_alg, client.userinfo_encrypted_response_alg
    if registered is None and encryption is None:
        return answer(orjson.dumps(user_claims))
    content: str | bytes = orjson.dumps(user_claims)
    if registered is not None:
        contents = user_claims | {"iss": issuer.url, "aud": client.client_id}
        content = keyring_of(issuer).sign(algorithm_of(issuer, registered), contents)
    sealed = await encrypted(issuer, client, content, encryption, client.userinfo_encrypted_response_enc)
    return answer(sealed.encode(), headers=_AS_JWT)


def _metadata(issuer: Issuer) -> dict[str, object]:
    return {
        "userinfo_endpoint": issuer.url_of(PATH),
        "userinfo_signing_alg_values_supported": [algorithm.value for algorithm in keyring_of(issuer).algorithms],
    } | encryption_metadata(issuer, "userinfo")


ENDPOINT = MachineEndpoint(
    name=NAME,
    paths=always(PATH),
    methods=always("POST", "GET"),
    metadata=_metadata,
    is_on=lambda issuer: issuer.keyring is not None,
    handle=decide,
    content=Content.OPTIONAL_FORM,
    takes_key_proofs=True,
    challenged=challenged,
)
