"""A stored client: what it may do and how it authenticates (RFC 7591 section 2, IRIS and webMethods tier 2)."""

from typing import Annotated, Any

from msgspec import Meta, field, structs

from service.protocol.names import (
    AccessTokenFormat,
    ApplicationType,
    ClientAuthMethod,
    ContentEncryption,
    DeliveryMode,
    KeyManagement,
    Profile,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
    SubjectType,
)
from service.records.grant import Grant
from service.records.json import Record
from service.records.property import Property


class ClientSecret(Record, frozen=True, omit_defaults=True, gc=False):
    """A secret of a client."""

    hash: str
    """``sha256:<base64url>`` of a secret that we generated (256 random bits), ``$argon2id$…`` of an imported one."""
    created_at: int = 0  # epoch seconds
    sealed: str = ""  # encrypted, where it has to be read again (client_secret_jwt)
    sealed_under: str = ""  # fingerprint of the master key that it is sealed under


class Registration(Record, frozen=True, omit_defaults=True, gc=False):
    """How a client registered itself (RFC 7591)."""

    token_hash: str  # of its registration access token (RFC 7592)
    metadata: dict[str, Any] = {}  # members that we only give back (``software_id``, ``client_name#de`` …)
    by_token: bool = False
    """Whether an operator trusted it beforehand, by the initial access token that it registered with."""
    registered_openly: bool = field(default=False, name="is_stranger")
    """Whether it was registered without an operator's leave: it is kept only as long as it is used."""
    network: str = ""  # where it was registered from; "": not known
    approved: bool = False  # an operator has checked it as it is now
    document_fetched_at: int = 0
    """When its metadata document, at the URL that is its client_id, was read (epoch seconds); 0: it has none."""
    document_fresh_until: int = 0
    """Until when the document is fresh (epoch seconds)."""


_NO_METHOD = ClientAuthMethod.NONE
_EARLIER_METHODS = frozenset(
    (
        ClientAuthMethod.CLIENT_SECRET_BASIC,
        ClientAuthMethod.CLIENT_SECRET_POST,
        ClientAuthMethod.CLIENT_SECRET_JWT,
        ClientAuthMethod.PRIVATE_KEY_JWT,
        ClientAuthMethod.NONE,
    )
)
"""Methods that the release before knows."""


class Client(Record, frozen=True, omit_defaults=True, gc=False):
    """A client. The members of its metadata are described in ``protocol.client_metadata``."""

    client_id: str
    name: str = ""
    description: str = ""
    enabled: bool = True
    generation: int = 0
    """A number that is raised to end everything issued to the client: a grant of an older generation is invalid."""
    created_at: int = 0  # epoch seconds
    alias: str | None = None
    secrets: tuple[ClientSecret, ...] = ()
    auth_method: Annotated[str, Meta(examples=["client_secret_basic"])] = ClientAuthMethod.CLIENT_SECRET_BASIC
    """A name in ``client_auth.METHODS``."""
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
    sector_identifier: str = ""  # the sector that pairwise subjects are made for, settled at registration
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
    registration: Registration | None = None  # of a client that registered itself
    token_endpoint_auth_signing_alg: str | None = None
    strict_assertion_audience: bool = False
    may_assert_subjects: bool = field(default=False, name="vouches")
    access_token_format: AccessTokenFormat | None = None
    access_token_signing_alg: SigningAlgorithm | None = None
    introspection_signed_response_alg: SigningAlgorithm | None = None
    dpop_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False
    authorization_signed_response_alg: SigningAlgorithm | None = None
    authorization_details_types: tuple[str, ...] = ()
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    tls_client_certificate_bound_access_tokens: bool = False
    id_token_encrypted_response_alg: KeyManagement | None = None
    id_token_encrypted_response_enc: ContentEncryption | None = None
    userinfo_encrypted_response_alg: KeyManagement | None = None
    userinfo_encrypted_response_enc: ContentEncryption | None = None
    authorization_encrypted_response_alg: KeyManagement | None = None
    authorization_encrypted_response_enc: ContentEncryption | None = None
    introspection_encrypted_response_alg: KeyManagement | None = None
    introspection_encrypted_response_enc: ContentEncryption | None = None
    request_object_encryption_alg: KeyManagement | None = None
    request_object_encryption_enc: ContentEncryption | None = None
    access_token_claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    exchange_from: tuple[str, ...] = ()
    exchange_audiences: tuple[str, ...] = ()
    exchange_issuers: tuple[str, ...] = ()
    profile: Profile | None = None
    backchannel_token_delivery_mode: DeliveryMode | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: SigningAlgorithm | None = None
    backchannel_user_code_parameter: bool = False
    federated_issuer: str | None = None
    federated_subject: str | None = None
    federated_claims: tuple[str, ...] = ()
    consents_since: int | None = None
    """The generation since which consents count, if they outlived the last raise; None: ``generation``."""
    managed_by: str = ""
    later_method: str | None = None
    """The method as it is stored, if it is none of ``_EARLIER_METHODS``."""

    def encode(self) -> bytes:
        """Return compact JSON, which the release before reads, too.

        That release reads an unknown method as client_secret_basic, and refuses a client without a secret.
        """
        if self.auth_method in _EARLIER_METHODS:
            return super().encode()
        basic = ClientAuthMethod.CLIENT_SECRET_BASIC
        kept: Client = structs.replace(self, auth_method=basic, later_method=self.auth_method)
        return super(Client, kept).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Client":
        """Decode a client. Raises msgspec.DecodeError (a ValueError) where ``data`` is not such a record."""
        client: Client = super().decode(data)
        if client.later_method is None:
            return client
        read: Client = structs.replace(client, auth_method=client.later_method, later_method=None)
        return read

    @property
    def public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 section 2.1)."""
        return self.auth_method == _NO_METHOD

    @property
    def delivery_mode(self) -> DeliveryMode:
        """Return how it gets the tokens that it asks for by CIBA."""
        return self.backchannel_token_delivery_mode or DeliveryMode.POLL

    @property
    def self_registered(self) -> bool:
        """Whether its metadata are unchecked (RFC 7591 section 5)."""
        return self.registration is not None and not self.registration.approved

    @property
    def has_document(self) -> bool:
        """Whether its client_id is the URL of its metadata document."""
        return self.registration is not None and self.registration.document_fetched_at > 0

    @property
    def was_registered_openly(self) -> bool:
        """Whether it was registered without an operator's leave, and no operator has changed it since."""
        return self.registration is not None and self.registration.registered_openly

    @property
    def openly_registered_network(self) -> str:
        """The network from which it was registered without an operator's leave, "" for the client of an operator."""
        return self.registration.network if self.registration and self.registration.registered_openly else ""

    def adopted(self) -> "Client":
        """Return the same client as an operator's, even if it registered itself."""
        registration = self.registration
        if registration is None or not registration.registered_openly:
            return self
        changed: Client = structs.replace(self, registration=structs.replace(registration, registered_openly=False))
        return changed

    def unchecked(self, seen: "Client") -> "Client":
        """Return the same client, no longer approved where it has changed itself since it was ``seen``."""
        if self == seen or self.registration is None or not self.registration.approved:
            return self
        changed: Client = structs.replace(self, registration=structs.replace(self.registration, approved=False))
        return changed

    def ended(self, now: int, *, keeps_consents: bool = False) -> "Client":
        """Return the same client, with everything ended that was issued to it.

        Args:
            now: Epoch milliseconds.
            keeps_consents: Users who allowed it something are not asked again.
        """
        since = (self.generation if self.consents_since is None else self.consents_since) if keeps_consents else None
        ended: Client = structs.replace(self, generation=max(self.generation + 1, now), consents_since=since)
        return ended

    def remembers(self, generation: int) -> bool:
        """Whether a consent of this generation still counts."""
        return generation >= (self.generation if self.consents_since is None else self.consents_since)

    def grant_is_current(self, grant: Grant) -> bool:
        """Whether the client is enabled and has not ended this grant."""
        return self.enabled and grant.client_id == self.client_id and grant.client_generation >= self.generation
