"""Proofs of possession, by which tokens are bound to a key and presented (P9): one file each, and the list.

To add one: a file with its ``KEY_PROOF``, and its name in the list below. The binding of a token is written in
``token_response`` and checked in ``opening`` and at the token endpoint, whatever the kind of key.
"""

from collections.abc import Mapping

import msgspec

from service.issuer import Issuer
from service.protocol.binding import Binding
from service.protocol.errors import InvalidDpopProof, InvalidGrant
from service.protocol.request import Request
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.binding import certificate, dpop
from service.tokens.binding.key_proof import NO_KEY, KeyProof, Possession, Pushed

KEY_PROOFS: dict[str, KeyProof] = {module.KEY_PROOF.name: module.KEY_PROOF for module in (dpop, certificate)}
"""Every proof by its name; discovery, CORS and schemes of the Authorization header derive from it."""

__all__ = [
    "KEY_PROOFS",
    "NO_KEY",
    "KeyProof",
    "Possession",
    "Pushed",
    "answered_with",
    "bind",
    "bound_by",
    "check_algorithm",
    "named_in",
    "possession_of",
    "pushed_with",
]


async def bound_by(issuer: Issuer, client: Client, request: Request) -> Possession:
    """Return what the tokens of a token request are bound to. Raises ProtocolError."""
    possession = NO_KEY
    for proof in KEY_PROOFS.values():
        if proof.concerns(client, request):
            possession = _both(possession, await proof.bind(issuer, client, request))
    return possession


def named_in(parameters: Mapping[str, str]) -> Binding:
    """Return what the code of an authorization request is bound to. Raises ProtocolError."""
    possession = NO_KEY
    for proof in KEY_PROOFS.values():
        possession = _both(possession, Possession(proof.named(parameters)))
    return possession.binding


async def pushed_with(issuer: Issuer, client: Client, request: Request, parameters: Mapping[str, str]) -> Pushed:
    """Return what a pushed authorization request proves; its replay checks are not under way. Raises ProtocolError.

    ``parameters`` are those of the authorization request, whether it came as a form or as a request object.
    """
    proved = [await proof.push(issuer, client, request, parameters) for proof in KEY_PROOFS.values()]
    named = {name: value for one in proved for name, value in one.parameters.items()}
    return Pushed(named, tuple(check for one in proved for check in one.replay_checks))


def answered_with(issuer: Issuer) -> dict[str, str]:
    """Return the headers of each response of an endpoint that takes proofs; which there are follows from the settings."""
    return {name: value for proof in KEY_PROOFS.values() for name, value in proof.answered(issuer).items()}


async def possession_of(issuer: Issuer, request: Request, access_token: str) -> Possession:
    """Return the keys that a request proves to hold together with its access token. Raises ProtocolError."""
    possession = NO_KEY
    for proof in KEY_PROOFS.values():
        possession = _both(possession, await proof.show(issuer, request, access_token))
    return possession


def check_algorithm(issuer: Issuer, client: Client, possession: Possession) -> None:
    """Refuse a proof whose algorithm the profile of the token's client does not allow. Raises InvalidDpopProof."""
    demanded = issuer.demands_on(client).algorithms
    if possession.algorithm and demanded is not None and possession.algorithm not in demanded:
        offered = " or ".join(sorted(demanded))
        raise InvalidDpopProof(f"The DPoP proof is signed with {possession.algorithm}, not with {offered}.", status=401)


def bind(authorization: Authorization, binding: Binding) -> Authorization:
    """Bind the tokens to the client's key. Raises InvalidGrant where the credential that it spends is bound to another key."""
    spends = authorization.spends
    if spends is not None and not spends.is_proved_by(binding):
        raise InvalidGrant(log=f"{spends.NAME} is bound to a key that the request does not prove to hold")
    if binding is authorization.binding or authorization.exchange is not None:  # none, as a rule; or settled
        return authorization
    return msgspec.structs.replace(authorization, binding=binding)


def _both(one: Possession, other: Possession) -> Possession:
    if NO_KEY in (one, other):
        return other if one == NO_KEY else one
    first, second = one.binding, other.binding
    binding = Binding(first.jkt or second.jkt, first.x5t_s256 or second.x5t_s256)
    return Possession(binding, one.replay_checks + other.replay_checks, one.algorithm or other.algorithm)
