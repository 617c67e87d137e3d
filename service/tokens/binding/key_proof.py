"""The interface of every proof of possession, by which a client shows that it holds the key that its tokens are bound to."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from service.issuer import Issuer
from service.protocol.binding import UNBOUND, Binding
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import ReplayCheck


class Possession(msgspec.Struct, frozen=True):
    """The keys that the sender of a request holds, provided that the replay checks pass."""

    binding: Binding = UNBOUND
    replay_checks: tuple[ReplayCheck, ...] = ()
    algorithm: str = ""
    """The algorithm of the proof's signature, "" if none is signed."""


NO_KEY = Possession()
"""No key: enough for a bearer token."""


class Pushed(NamedTuple):
    """The proofs in a pushed authorization request (RFC 9126)."""

    parameters: Mapping[str, str] = MappingProxyType({})
    """Parameters to be added to the authorization request."""
    replay_checks: tuple[ReplayCheck, ...] = ()


NOT_PUSHED = Pushed()


def _nothing(_: Issuer) -> Mapping[str, object]:
    return {}


def _no_headers(_: Issuer) -> Mapping[str, str]:
    return {}


def _always(_: Client, __: Request) -> bool:
    return True


async def _not_pushed(_: Issuer, __: Client, ___: Request, ____: Mapping[str, str]) -> Pushed:
    return NOT_PUSHED


def _no_key(_: Mapping[str, str]) -> Binding:
    return UNBOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProof:
    """One way to bind tokens to a key.

    A replay check is sent together with other commands: none of the functions asks Redis.
    """

    name: str
    bind: Callable[[Issuer, Client, Request], Awaitable[Possession]]
    """Returns the binding for the tokens of a token request. Raises ProtocolError where the client has to prove more."""
    show: Callable[[Issuer, Request, str], Awaitable[Possession]]
    """Returns the keys proved by a request that brings this access token. Raises ProtocolError for a malformed proof."""
    concerns: Callable[[Client, Request], bool] = _always
    """Whether this client has to prove anything in this token request, or does; otherwise ``bind`` is not called."""
    named: Callable[[Mapping[str, str]], Binding] = _no_key
    """Returns the key that an authorization request names, to which its code is bound. Raises ProtocolError."""
    push: Callable[[Issuer, Client, Request, Mapping[str, str]], Awaitable[Pushed]] = _not_pushed
    """Returns what a pushed authorization request with these parameters proves; its checks wait. Raises ProtocolError."""
    answered: Callable[[Issuer], Mapping[str, str]] = _no_headers
    """Headers of each response of an endpoint that takes proofs."""
    metadata: Callable[[Issuer], Mapping[str, object]] = _nothing
    """Members of discovery."""
    scheme: str = "Bearer"
    """The scheme of the Authorization header for tokens that it binds."""
    challenge: Callable[[Issuer], Mapping[str, str]] = _no_headers
    """Parameters of its challenge, where it has a scheme of its own (RFC 9110 section 11.6.1)."""
    request_headers: tuple[str, ...] = ()
    """Request headers that pages of other origins must be able to send."""
    response_headers: tuple[str, ...] = ()
    """Response headers that they must be able to read."""
