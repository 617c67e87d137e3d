"""A client as it is kept: what it may do and how it proves itself (RFC 7591 section 2, IRIS and webMethods tier 2)."""

from typing import Any

from msgspec import field, structs

from service.protocol.names import (
    AccessTokenFormat,
    ApplicationType,
    ClientAuthMethod,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
    SubjectType,
)
from service.records.grant import Grant
from service.records.json import Record
from service.records.property import Property


class ClientSecret(Record, frozen=True, omit_defaults=True, gc=False):
    """``hash``: ``sha256:<base64url>`` of a secret that we generated (256 random bits), ``$argon2id$…`` of an imported
    one; ``created_at``: epoch seconds; ``sealed``: encrypted under the master key that ``sealed_under`` names, where it has to
    be read again (client_secret_jwt).
    """

    hash: str
    created_at: int = 0
    sealed: str = ""
    sealed_under: str = ""


class Registration(Record, frozen=True, omit_defaults=True, gc=False):
    """Of a client that registered itself (RFC 7591). ``token_hash``: of its registration access token (RFC 7592);
    ``metadata``: members that we only give back (``software_id``, ``client_name#de`` …); ``by_token``: an operator vouched
    for it beforehand, by the initial access token that it registered with; ``is_stranger``: no operator had a hand in it, so it
    is kept only as long as it is used; ``network``: where it was registered from, "" = not known; ``approved``: an
    operator has checked it as it is now.
    """

    token_hash: str
    metadata: dict[str, Any] = {}
    by_token: bool = False
    is_stranger: bool = False
    network: str = ""
    approved: bool = False


class Client(Record, frozen=True, omit_defaults=True, gc=False):
    """``generation``: raised to end everything issued to the client so far: a grant of an older generation is dead.
    ``consents_since``: the generation from which consents count, where they outlived the last raise; None = ``generation``.

    ``…_lifetime``: seconds; None = the service's setting. ``refresh_idle_lifetime`` and ``refresh_absolute_lifetime``: 0 =
    never expires. ``refresh_limit``: how many refreshes a grant allows, None = unlimited, 0 = no refresh token at all
    (WM-20). ``refresh_grace``: seconds in which a repeated refresh gets the same answer again. ``audiences``: resources
    that its tokens are for; ``resources``: the audiences that this client itself serves, where it may introspect.

    From ``response_types`` on the members are those of OpenID Connect Dynamic Client Registration 2 and of the logout
    specifications. ``skip_consent``: our own application, users are not asked; ``sector_identifier``: the sector that
    pairwise subjects are made for, settled at registration; ``jwks``: a JWK set; ``id_token_signed_response_alg``: None =
    RS256; ``registration``: of a client that registered itself. ``token_endpoint_auth_signing_alg``: of its assertions, None
    = any that its method knows; ``strict_assertion_audience``: they must name the issuer, as one string.
    ``may_assert_subjects``: its own assertions are exchanged for tokens of any subject (jwt-bearer); kept as ``vouches``.
    ``access_token_format`` and ``access_token_signing_alg``: None = as the resource wants it, else opaque.
    ``access_token_claims``: claims about the person in its access tokens, and in their introspection.
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
    response_types: tuple[ResponseType, ...] = (ResponseType.CODE,)
    application_type: ApplicationType = ApplicationType.WEB
    skip_consent: bool = False
    subject_type: SubjectType = SubjectType.PUBLIC
    sector_identifier: str = ""
    sector_identifier_uri: str | None = None
    id_token_signed_response_alg: SigningAlgorithm | None = None
    id_token_lifetime: int | None = None
    userinfo_signed_response_alg: SigningAlgorithm | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    request_object_signing_alg: str | None = None
    require_signed_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False
    initiate_login_uri: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    registration: Registration | None = None
    token_endpoint_auth_signing_alg: str | None = None
    strict_assertion_audience: bool = False
    may_assert_subjects: bool = field(default=False, name="vouches")
    access_token_format: AccessTokenFormat | None = None
    access_token_signing_alg: SigningAlgorithm | None = None
    introspection_signed_response_alg: SigningAlgorithm | None = None
    access_token_claims: tuple[str, ...] = ()
    consents_since: int | None = None

    @property
    def public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 section 2.1)."""
        return self.auth_method is ClientAuthMethod.NONE

    @property
    def self_registered(self) -> bool:
        """Whether what it says of itself is unchecked (RFC 7591 section 5)."""
        return self.registration is not None and not self.registration.approved

    @property
    def is_strangers(self) -> bool:
        """Whether a stranger registered it, and no operator has changed it since."""
        return self.registration is not None and self.registration.is_stranger

    def adopted(self) -> "Client":
        """The same client as an operator's, even if it registered itself."""
        registration = self.registration
        if registration is None or not registration.is_stranger:
            return self
        changed: Client = structs.replace(self, registration=structs.replace(registration, is_stranger=False))
        return changed

    def unchecked(self, seen: "Client") -> "Client":
        """The same client, which is no longer approved where it has changed itself since it was ``seen``."""
        if self == seen or self.registration is None or not self.registration.approved:
            return self
        changed: Client = structs.replace(self, registration=structs.replace(self.registration, approved=False))
        return changed

    def ended(self, now: int, *, keeps_consents: bool = False) -> "Client":
        """The same client, with everything ended that was issued to it. ``now``: epoch milliseconds; ``keeps_consents``: users
        who allowed it something are not asked again.
        """
        since = (self.generation if self.consents_since is None else self.consents_since) if keeps_consents else None
        ended: Client = structs.replace(self, generation=max(self.generation + 1, now), consents_since=since)
        return ended

    def remembers(self, generation: int) -> bool:
        """Whether what was allowed it at this generation still counts."""
        return generation >= (self.generation if self.consents_since is None else self.consents_since)

    def stands_behind(self, grant: Grant) -> bool:
        """Whether what was issued under this grant still counts: the client is enabled and did not end it wholesale."""
        return self.enabled and grant.client_id == self.client_id and grant.client_generation >= self.generation
