"""A client as it is kept: what it may do and how it proves itself (RFC 7591 section 2, IRIS and webMethods tier 2)."""

from service.protocol.names import ClientAuthMethod, RefreshRotation
from service.records.grant import Grant
from service.records.json import Record
from service.records.property import Property


class ClientSecret(Record, frozen=True, omit_defaults=True, gc=False):
    """``hash``: ``sha256:<base64url>`` of a secret that we generated (256 random bits), ``$argon2id$…`` of an imported
    one; ``created_at``: epoch seconds.
    """

    hash: str
    created_at: int = 0


class Client(Record, frozen=True, omit_defaults=True, gc=False):
    """``generation``: raised to end everything issued to the client so far: a grant of an older generation is dead.

    ``…_lifetime``: seconds; None = the service's setting. ``refresh_idle_lifetime`` and ``refresh_absolute_lifetime``: 0 =
    never expires. ``refresh_limit``: how many refreshes a grant allows, None = unlimited, 0 = no refresh token at all
    (WM-20). ``refresh_grace``: seconds in which a repeated refresh gets the same answer again. ``audiences``: resources
    that its tokens are for; ``resources``: the audiences that this client itself serves, where it may introspect.
    """

    client_id: str
    name: str = ""
    description: str = ""
    enabled: bool = True
    generation: int = 0
    created_at: int = 0
    alias: str | None = None
    secrets: tuple[ClientSecret, ...] = ()
    auth_method: ClientAuthMethod = ClientAuthMethod.CLIENT_SECRET_BASIC
    grant_types: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    default_scope: str | None = None
    audiences: tuple[str, ...] = ()
    introspect: bool = False
    resources: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()
    require_pkce: bool = False
    allow_plain_pkce: bool = False
    code_lifetime: int | None = None
    access_token_lifetime: int | None = None
    refresh_idle_lifetime: int | None = None
    refresh_absolute_lifetime: int | None = None
    refresh_limit: int | None = None
    refresh_rotation: RefreshRotation | None = None
    refresh_grace: int | None = None

    @property
    def public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 section 2.1)."""
        return self.auth_method is ClientAuthMethod.NONE

    def stands_behind(self, grant: Grant) -> bool:
        """Whether what was issued under this grant still counts: the client is enabled and did not end it wholesale."""
        return self.enabled and grant.client_id == self.client_id and grant.client_generation >= self.generation
