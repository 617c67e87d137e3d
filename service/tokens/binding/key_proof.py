"""What every proof of possession offers: by it a client shows that it holds the key that its tokens are bound to."""

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
    """The keys that the sender of a request holds, if what counts once only is used for the first time."""

    binding: Binding = UNBOUND
    replay_checks: tuple[ReplayCheck, ...] = ()
    algorithm: str = ""
    """Of the signature that proves it, "" = none does."""


NO_KEY = Possession()
"""Nothing is shown: enough for a bearer token."""


class Pushed(NamedTuple):
    """What a pushed authorization request shows (RFC 9126)."""

    parameters: Mapping[str, str] = MappingProxyType({})
    """Of the authorization request, as if it had sent them."""
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
    """One way to bind tokens to a key. A replay check leaves with what else is sent: none of its functions asks Redis."""

    name: str
    bind: Callable[[Issuer, Client, Request], Awaitable[Possession]]
    """What a token request shows to have its tokens bound to. Raises ProtocolError where the client has to show more."""
    show: Callable[[Issuer, Request, str], Awaitable[Possession]]
    """What a request shows that brings this access token. Raises ProtocolError for a malformed proof."""
    concerns: Callable[[Client, Request], bool] = _always
    """Whether this client has to show anything with this token request, or does: else ``bind`` is not asked."""
    named: Callable[[Mapping[str, str]], Binding] = _no_key
    """The key that an authorization request names, to which its code is bound. Raises ProtocolError."""
    push: Callable[[Issuer, Client, Request, Mapping[str, str]], Awaitable[Pushed]] = _not_pushed
    """What a pushed authorization request with these parameters shows; its replay checks wait. Raises ProtocolError."""
    answered: Callable[[Issuer], Mapping[str, str]] = _no_headers
    """Headers of each answer of an endpoint that takes proofs."""
    metadata: Callable[[Issuer], Mapping[str, object]] = _nothing
    """Members of discovery."""
    scheme: str = "Bearer"
    """In the Authorization header, before the tokens that it binds."""
    challenge: Callable[[Issuer], Mapping[str, str]] = _no_headers
    """Parameters of its challenge, where it has a scheme of its own (RFC 9110 section 11.6.1)."""
    request_headers: tuple[str, ...] = ()
    """What pages of other origins must be able to send."""
    response_headers: tuple[str, ...] = ()
    """What they must be able to read."""
