"""The rules for authorization requests: what client, settings and security profiles allow and demand."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from service.protocol.names import ResponseType, UnknownScope
from service.protocol.profiles import NO_DEMANDS, Demands


class Rules(NamedTuple):
    """What client and settings allow, as far as the checks need it."""

    client_id: str
    redirect_uris: tuple[str, ...] = ()
    response_types: Collection[str] = (ResponseType.CODE,)
    scopes: Collection[str] = ()
    default_scope: str = ""
    unknown_scope: UnknownScope = UnknownScope.REFUSE
    audiences: tuple[str, ...] = ()
    default_audience: tuple[str, ...] | None = None  # where no resource is named; None: all audiences
    passed_over_scopes: Collection[str] = ()  # known ones that are dropped without an error for this client
    resource_scopes: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # further scopes, of requested resources
    require_pkce: bool = False
    allow_plain_pkce: bool = False
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    openid: bool = True  # whether ID tokens can be signed
    acrs: Collection[str] | None = ("1",)  # authentication contexts of logins here; None: a backend signs users in
    grant_management: bool = False  # whether clients may name grants
    sign_up: bool = False  # whether there is a page for users without an account
    demands: Demands = NO_DEMANDS  # of security profiles
    any_loopback_port: bool = False  # whether the port of the name localhost is free, too: of a native app
    any_redirect_uri: bool = False  # whether redirect_uri need not be registered, as the client authenticated

    def signs_errors(self, outer: Mapping[str, str]) -> bool:
        """Whether an error about a request object travels as a JWT, because the client may get no other response.

        A ``response_mode`` in the object does not decide it, as the object cannot be trusted.

        Args:
            outer: The parameters outside the object.
        """
        if not self.openid or not self.demands.jwt_response or "response_mode" in outer:
            return False
        requested = {outer["response_type"]} if "response_type" in outer else set(self.response_types)
        return requested == {ResponseType.CODE} & set(self.response_types)
