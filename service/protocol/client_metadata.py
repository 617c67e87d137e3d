"""The one table of client metadata, with a row for each member.

The admin API, dynamic registration, the command line, the console and the decision API derive from it. A new member is a row
here and a field of ``records.client.Client``; ``admin`` makes the checks that need registries, settings, keys or the network.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service.protocol.checked_types import (
    CertificateDns,
    CertificateEmail,
    CertificateIp,
    CertificateUri,
    ClaimNames,
    ForeignIssuers,
    Identifier,
    Identifiers,
    Lifetime,
    LifetimeOrNever,
    LongText,
    Number,
    PlainWebUri,
    RedirectUris,
    RequiredClaims,
    Resources,
    Scopes,
    ShortText,
    ShortTexts,
    SubjectDn,
    WebUri,
    WebUris,
    each_once,
)
from service.protocol.client_member import SAME, Member, MemberGroup, read_row
from service.protocol.client_member import row as _row
from service.protocol.names import (
    AccessTokenFormat,
    ApplicationType,
    ClientAuthMethod,
    ContentEncryption,
    DeliveryMode,
    HmacAlgorithm,
    KeyManagement,
    Profile,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
    SubjectType,
)

_WHAT, _MAY, _AUTHENTICATES, _REQUESTS, _SIGN_IN, _SIGN_OUT, _TOKENS, _LIFETIMES, _LINKS = MemberGroup
_ResponseTypes = Annotated[tuple[ResponseType, ...], AfterValidator(each_once)]


class ClientMetadata(BaseModel):
    """The table. Faults of several members are described in this order."""

    model_config = ConfigDict(defer_build=True)  # a process that registers no client needs no validators

    client_id: Identifier
    # fmt: off
    name: ShortText = _row("", _WHAT, "Name",
        "What users read where they sign in and consent.", registered="client_name", authlete="clientName")
    description: LongText = _row("", _WHAT, "Description", "For operators: whose it is, what for.", authlete="description")
    managed_by: ShortText = _row("", _WHAT, "Managed by",
        "Where it is declared: a Kubernetes object, or a set of files. What is changed elsewhere is put right from there; "
        "where it says nothing, it is left alone.", metavar="TEXT")
    alias: Identifier | None = _row(None, _WHAT, "Alias",
        "A second client_id, good wherever the first is.", authlete="clientIdAlias", metavar="ID")
    auth_method: ClientAuthMethod = _row(ClientAuthMethod.CLIENT_SECRET, _AUTHENTICATES, "Authentication",
        "How it authenticates. client_secret takes the secret as client_secret_basic and as client_secret_post; none makes "
        "it a public client. A method without a secret ends the secret that it has.",
        registered="token_endpoint_auth_method", authlete="tokenAuthMethod", metavar="METHOD", protects=True)
    grant_types: tuple[str, ...] = _row((), _MAY, "Grant types",
        "How it gets tokens.", registered=SAME, authlete="grantTypes", metavar="TYPE")
    redirect_uris: RedirectUris = _row((), _REQUESTS, "Redirect URIs",
        "Where codes may be sent, compared letter by letter: https, http on loopback, or an app's own scheme.",
        registered=SAME, authlete="redirectUris")
    scopes: Scopes = _row((), _MAY, "Scopes",
        "Scopes that it may ask for.", registered="scope", authlete="extension.requestableScopes", metavar="SCOPES")
    default_scope: str | None = _row(None, _MAY, "Default scope",
        "What it gets where it asks for no scope: some of its scopes.", metavar="SCOPES")
    audiences: Resources = _row((), _MAY, "Audiences",
        "APIs that it calls, each by the name that the API goes by (a URI or a word): its access tokens name them, and an "
        "API takes no others.", metavar="RESOURCE")
    introspect: bool = _row(False, _MAY, "May introspect",
        "It is an API (resource server): it may introspect the tokens that clients bring to it.")
    resources: Resources = _row((), _MAY, "Serves resources",
        "Names of an API that may introspect: it sees the tokens of clients that have one of them among their audiences.",
        metavar="RESOURCE")
    properties: tuple[object, ...] = _row((), _MAY, "Properties",
        "Custom properties, shown in token responses and introspection where they say so.",
        flag="--property", metavar="NAME=VALUE", authlete="attributes")
    require_pkce: bool = _row(False, _REQUESTS, "Requires PKCE",
        "Codes need a PKCE challenge, as those of public clients always do.", authlete="pkceRequired")
    allow_plain_pkce: bool = _row(False, _REQUESTS, "Allows plain PKCE",
        "PKCE without a hash, for old clients: who sees the request can then redeem its code.", authlete="pkceS256Required")
    code_lifetime: Lifetime | None = _row(None, _LIFETIMES, "Authorization codes", "Lifetime of authorization codes.")
    access_token_lifetime: Lifetime | None = _row(None, _LIFETIMES, "Access tokens",
        "Lifetime of access tokens.", authlete="extension.accessTokenDuration")
    refresh_idle_lifetime: LifetimeOrNever | None = _row(None, _LIFETIMES, "Refresh tokens, unused",
        "Lifetime of refresh tokens since their last use; 0: unlimited.", authlete="extension.refreshTokenDuration")
    refresh_absolute_lifetime: LifetimeOrNever | None = _row(None, _LIFETIMES, "Refresh tokens, at most",
        "Lifetime of refresh tokens since the grant was made; 0: unlimited.")
    refresh_limit: LifetimeOrNever | None = _row(None, _LIFETIMES, "Refreshes",
        "How often a grant can be refreshed; 0: no refresh token.", metavar="TIMES")
    refresh_rotation: RefreshRotation | None = _row(None, _LIFETIMES, "Rotation",
        "Whether a refresh replaces the refresh token.", metavar="WHEN")
    refresh_grace: Annotated[Number, Field(ge=0, le=300)] | None = _row(None, _LIFETIMES, "Grace for repeats",
        "How long a repeated refresh gets the same answer again, 300 at most.")
    response_types: _ResponseTypes = _row((ResponseType.CODE,), _REQUESTS, "Response types",
        "What the authorization endpoint may answer with.", registered=SAME, authlete="responseTypes", metavar="TYPE")
    application_type: ApplicationType = _row(ApplicationType.WEB, _REQUESTS, "Application type",
        "web, or native for an app on the user's device.", registered=SAME, authlete="applicationType", metavar="TYPE")
    skip_consent: bool = _row(False, _SIGN_IN, "Skips consent", "An application of your own: users are not asked to agree.")
    subject_type: SubjectType = _row(SubjectType.PUBLIC, _SIGN_IN, "Subjects",
        "pairwise: each sector knows a user by another subject, so that clients cannot compare whom they know. A change of "
        "this, or of the sector, ends what the client was issued.",
        registered=SAME, authlete="subjectType", metavar="TYPE", protects=True)
    sector_identifier_uri: WebUri | None = _row(None, _SIGN_IN, "Sector identifier URL",
        "A list of redirect URIs; the clients that name it share pairwise subjects.",
        registered=SAME, authlete="sectorIdentifierUri", flag="--sector-uri")
    id_token_signed_response_alg: SigningAlgorithm | None = _row(None, _TOKENS, "ID tokens signed with",
        "Signature of ID tokens; RS256 by default. ES256 costs a thirteenth, where the client's library verifies it.",
        registered=SAME, authlete="idTokenSignAlg", flag="--id-token-alg")
    id_token_lifetime: Annotated[Number, Field(ge=1, le=86400)] | None = _row(None, _LIFETIMES, "ID tokens",
        "Lifetime of ID tokens, a day at most.")
    userinfo_signed_response_alg: SigningAlgorithm | None = _row(None, _TOKENS, "UserInfo signed with",
        "UserInfo as a JWT with this signature; plain JSON by default.",
        registered=SAME, authlete="userInfoSignAlg", flag="--userinfo-alg", protects=True)
    jwks: dict[str, Any] | None = _row(None, _AUTHENTICATES, "Key set",
        "Its public keys, a JWK set.", registered=SAME, authlete="jwks")
    jwks_uri: WebUri | None = _row(None, _AUTHENTICATES, "Key set URL",
        "Where its public keys are (private_key_jwt, self_signed_tls_client_auth, signed requests).",
        registered=SAME, authlete="jwksUri")
    request_object_signing_alg: SigningAlgorithm | None = _row(None, _REQUESTS, "Requests signed with",
        "The only signature that its request objects may have; any by default.",
        registered=SAME, authlete="requestSignAlg", flag="--request-alg", protects=True)
    require_signed_request_object: bool = _row(False, _REQUESTS, "Requires signed requests",
        "Requests that it did not sign are refused.",
        registered=SAME, authlete="requestObjectRequired", flag="--signed-requests-only", protects=True)
    require_pushed_authorization_requests: bool = _row(False, _REQUESTS, "Requires pushed requests",
        "Requests that it did not push before are refused.",
        registered=SAME, authlete="parRequired", flag="--pushed-requests-only", protects=True)
    request_uris: WebUris = _row((), _REQUESTS, "Request URIs",
        "Where its request objects may be fetched.", registered=SAME, authlete="requestUris")
    default_max_age: LifetimeOrNever | None = _row(None, _SIGN_IN, "Maximum login age",
        "Users who signed in longer ago have to sign in again.",
        registered=SAME, authlete="defaultMaxAge")
    require_auth_time: bool = _row(False, _SIGN_IN, "Needs login time",
        "It needs auth_time: ID tokens always say when the user signed in.", registered=SAME, authlete="authTimeRequired")
    default_acr_values: ShortTexts = _row((), _SIGN_IN, "Default ACR values",
        "How users have to sign in where a request does not say it.",
        registered=SAME, authlete="defaultAcrs", flag="--default-acr", metavar="ACR")
    post_logout_redirect_uris: RedirectUris = _row((), _SIGN_OUT, "After signing out",
        "Where users may be sent after signing out.", registered=SAME, flag="--post-logout-uri")
    backchannel_logout_uri: PlainWebUri | None = _row(None, _SIGN_OUT, "Back-channel logout URL",
        "Notified from server to server when a session ends.", registered=SAME, flag="--backchannel-uri")
    backchannel_logout_session_required: bool = _row(False, _SIGN_OUT, "Back channel needs session",
        "It needs sid: logout tokens always name the session.", registered=SAME, flag="--backchannel-session")
    frontchannel_logout_uri: PlainWebUri | None = _row(None, _SIGN_OUT, "Front-channel logout URL",
        "Loaded in the browser when its user signs out.", registered=SAME, flag="--frontchannel-uri")
    frontchannel_logout_session_required: bool = _row(False, _SIGN_OUT, "Front channel needs session",
        "It needs iss and sid: its URL is always loaded with them.", registered=SAME, flag="--frontchannel-session")
    initiate_login_uri: WebUri | None = _row(None, _SIGN_IN, "Login start URL",
        "Where others may send users to start a login at the client.", registered=SAME, authlete="loginUri")
    client_uri: WebUri | None = _row(None, _LINKS, "Home page URL",
        "Its home page, linked where users sign in and consent.", registered=SAME, authlete="clientUri")
    logo_uri: WebUri | None = _row(None, _LINKS, "Logo URL",
        "Its logo, shown where users sign in and consent.", registered=SAME, authlete="logoUri")
    policy_uri: WebUri | None = _row(None, _LINKS, "Privacy policy URL",
        "Its privacy policy, linked where users sign in and consent.", registered=SAME, authlete="policyUri")
    tos_uri: WebUri | None = _row(None, _LINKS, "Terms of service URL",
        "Its terms of service, linked where users sign in and consent.", registered=SAME, authlete="tosUri")
    contacts: ShortTexts = _row((), _LINKS, "Contacts", "Whom to ask about it.", registered=SAME, authlete="contacts")
    may_assert_subjects: bool = _row(False, _MAY, "May assert subjects",
        "Assertions signed with its own key buy tokens of any user (jwt-bearer). For few clients.")
    access_token_format: AccessTokenFormat | None = _row(None, _TOKENS, "Access token format",
        "both: the JWT beside the opaque one, as access_token_jwt. stateless: a JWT that is kept nowhere and cannot be "
        "revoked one by one, for client_credentials. By default as its resource wants it, else opaque.", metavar="FORMAT")
    access_token_signing_alg: SigningAlgorithm | None = _row(None, _TOKENS, "Access tokens signed with",
        "Signature of JWT access tokens; RS256 by default.", flag="--access-token-alg")
    introspection_signed_response_alg: SigningAlgorithm | None = _row(None, _TOKENS, "Introspection signed with",
        "Signature of introspection as a JWT; RS256 by default.", registered=SAME, flag="--introspection-alg")
    token_endpoint_auth_signing_alg: SigningAlgorithm | HmacAlgorithm | None = _row(None, _AUTHENTICATES,
        "Assertions signed with",
        "The only signature of the assertions by which it authenticates; any of its method by default.",
        registered=SAME, authlete="tokenAuthSignAlg", flag="--auth-alg", protects=True)
    strict_assertion_audience: bool = _row(False, _AUTHENTICATES, "Strict audience",
        "Its assertions must name the issuer and nothing else as audience.", flag="--strict-audience")
    dpop_bound_access_tokens: bool = _row(False, _TOKENS, "Requires DPoP",
        "Its tokens are bound to a key of its own: each token request needs a DPoP proof, and a stolen token is worth nothing.",
        registered=SAME, authlete="dpopRequired", flag="--dpop", protects=True)
    authorization_signed_response_alg: SigningAlgorithm | None = _row(None, _TOKENS, "Responses signed with",
        "Signature of authorization responses that are asked for as a JWT (response_mode jwt); RS256 by default.",
        registered=SAME, authlete="authorizationSignAlg", flag="--response-alg")
    authorization_details_types: ShortTexts = _row((), _MAY, "Authorization details",
        "Types of authorization details that it may ask for.",
        registered=SAME, authlete="authorizationDetailsTypes", flag="--details-type", metavar="TYPE")
    tls_client_auth_subject_dn: SubjectDn | None = _row(None, _AUTHENTICATES, "Certificate subject",
        "tls_client_auth: the subject of its certificate, as RFC 4514 writes it: CN=billing,O=Bank,C=DE.",
        registered=SAME, authlete="tlsClientAuthSubjectDn", flag="--certificate-subject", metavar="DN")
    tls_client_auth_san_dns: CertificateDns | None = _row(None, _AUTHENTICATES, "Certificate host",
        "tls_client_auth: a host name that its certificate names.",
        registered=SAME, authlete="tlsClientAuthSanDns", flag="--certificate-dns", metavar="HOST")
    tls_client_auth_san_uri: CertificateUri | None = _row(None, _AUTHENTICATES, "Certificate URI",
        "tls_client_auth: a URI that its certificate names.",
        registered=SAME, authlete="tlsClientAuthSanUri", flag="--certificate-uri", metavar="URI")
    tls_client_auth_san_ip: CertificateIp | None = _row(None, _AUTHENTICATES, "Certificate address",
        "tls_client_auth: an IP address that its certificate names.",
        registered=SAME, authlete="tlsClientAuthSanIp", flag="--certificate-ip", metavar="ADDRESS")
    tls_client_auth_san_email: CertificateEmail | None = _row(None, _AUTHENTICATES, "Certificate e-mail",
        "tls_client_auth: an e-mail address that its certificate names.",
        registered=SAME, authlete="tlsClientAuthSanEmail", flag="--certificate-email", metavar="ADDRESS")
    tls_client_certificate_bound_access_tokens: bool = _row(False, _TOKENS, "Bound to certificate",
        "Its access tokens are worth nothing without its TLS certificate, and it gets none without it.",
        registered=SAME, authlete="tlsClientCertificateBoundAccessTokens", flag="--certificate-bound", protects=True)
    id_token_encrypted_response_alg: KeyManagement | None = _row(None, _TOKENS, "ID tokens encrypted for",
        "ID tokens and logout tokens are encrypted for its public key, by this algorithm; signed all the same.",
        registered=SAME, authlete="idTokenEncryptionAlg", flag="--id-token-encryption-alg", protects=True)
    id_token_encrypted_response_enc: ContentEncryption | None = _row(None, _TOKENS, "ID tokens encrypted with",
        "How the content of it is encrypted; A128CBC-HS256 by default.", registered=SAME, authlete="idTokenEncryptionEnc",
        flag="--id-token-encryption-enc", protects=True)
    userinfo_encrypted_response_alg: KeyManagement | None = _row(None, _TOKENS, "UserInfo encrypted for",
        "UserInfo is encrypted for its public key, by this algorithm, signed or not.",
        registered=SAME, authlete="userInfoEncryptionAlg", flag="--userinfo-encryption-alg", protects=True)
    userinfo_encrypted_response_enc: ContentEncryption | None = _row(None, _TOKENS, "UserInfo encrypted with",
        "How the content of it is encrypted; A128CBC-HS256 by default.", registered=SAME, authlete="userInfoEncryptionEnc",
        flag="--userinfo-encryption-enc", protects=True)
    authorization_encrypted_response_alg: KeyManagement | None = _row(None, _TOKENS, "Responses encrypted for",
        "Responses that are asked for as a JWT are encrypted for its public key, by this algorithm.",
        registered=SAME, authlete="authorizationEncryptionAlg", flag="--response-encryption-alg", protects=True)
    authorization_encrypted_response_enc: ContentEncryption | None = _row(None, _TOKENS, "Responses encrypted with",
        "How the content of it is encrypted; A128CBC-HS256 by default.", registered=SAME, authlete="authorizationEncryptionEnc",
        flag="--response-encryption-enc", protects=True)
    introspection_encrypted_response_alg: KeyManagement | None = _row(None, _TOKENS, "Introspection encrypted for",
        "Introspection as a JWT is encrypted for its public key, by this algorithm.", registered=SAME,
        flag="--introspection-encryption-alg", protects=True)
    introspection_encrypted_response_enc: ContentEncryption | None = _row(None, _TOKENS, "Introspection encrypted with",
        "How the content of it is encrypted; A128CBC-HS256 by default.", registered=SAME,
        flag="--introspection-encryption-enc", protects=True)
    request_object_encryption_alg: KeyManagement | None = _row(None, _REQUESTS, "Requests encrypted for us by",
        "By which algorithm it encrypts request objects for our key, or by its secret. It need not: signed ones are taken, and "
        "others by any algorithm that is offered here (encryption_algorithms).",
        registered=SAME, authlete="requestEncryptionAlg", flag="--request-encryption-alg")
    request_object_encryption_enc: ContentEncryption | None = _row(None, _REQUESTS, "Requests encrypted with",
        "How the content of them is encrypted; A128CBC-HS256 by default.", registered=SAME, authlete="requestEncryptionEnc",
        flag="--request-encryption-enc")
    access_token_claims: ClaimNames = _row((), _TOKENS, "Claims in access tokens",
        "Claims about the user, such as department, in its access tokens and their introspection.",
        authlete="extension.accessTokenClaims", metavar="CLAIM")
    id_token_claims: ClaimNames = _row((), _TOKENS, "Claims in ID tokens",
        "Claims about the user, such as email or groups, that its ID tokens have where the scopes mean them: for software that "
        "does not ask UserInfo.", authlete="extension.idTokenClaims", metavar="CLAIM")
    exchange_from: Identifiers = _row((), _MAY, "Exchanges tokens of",
        "Token exchange: clients whose tokens it may exchange, beside its own and those that are for it; * for all.",
        metavar="CLIENT_ID")
    exchange_audiences: Resources = _row((), _MAY, "Exchanges tokens for",
        "Token exchange: APIs that its exchanged tokens may be for, beside those that the exchanged one is for. Without any a "
        "public client exchanges nothing.", flag="--exchange-audience", metavar="RESOURCE")
    exchange_issuers: ForeignIssuers = _row((), _MAY, "Gets grants for issuers",
        "Token exchange: other authorization servers for which it gets an identity assertion grant (ID-JAG): the issuer, and "
        "#CLIENT_ID behind it where the client has another client_id there.", flag="--exchange-issuer", metavar="ISSUER")
    backchannel_token_delivery_mode: DeliveryMode | None = _row(None, _REQUESTS, "Back-channel delivery",
        "How it gets tokens that it asked for without a browser (CIBA): poll, as it is by default; ping; push.",
        registered=SAME, authlete="bcDeliveryMode", flag="--backchannel-mode", metavar="MODE")
    backchannel_client_notification_endpoint: PlainWebUri | None = _row(None, _REQUESTS, "Back-channel notification URL",
        "CIBA by ping or push: where it is notified, or gets the tokens.",
        registered=SAME, authlete="bcNotificationEndpoint", flag="--backchannel-notification-uri")
    backchannel_authentication_request_signing_alg: SigningAlgorithm | None = _row(None, _REQUESTS,
        "Back-channel requests signed with",
        "The only signature that its CIBA requests may have, and each must have; none by default.",
        registered=SAME, authlete="bcRequestSignAlg", flag="--backchannel-request-alg", protects=True)
    backchannel_user_code_parameter: bool = _row(False, _REQUESTS, "Asks for user codes",
        "CIBA: it sends the user code that its users enter, where they have one.",
        registered=SAME, authlete="bcUserCodeRequired", flag="--backchannel-user-code", protects=True)
    federated_issuer: Identifier | None = _row(None, _AUTHENTICATES, "Platform",
        "federated_jwt: the issuer of the tokens by which it proves itself, as they say it in iss; of SPIFFE the trust domain, "
        "spiffe://example.org. It has to be trusted: `mintmark trust add … --use client-authentication`.", metavar="ISSUER")
    federated_subject: Identifier | None = _row(None, _AUTHENTICATES, "Workload",
        "federated_jwt: the sub of these tokens, compared letter by letter: system:serviceaccount:shop:billing.", metavar="SUB")
    federated_claims: RequiredClaims = _row((), _AUTHENTICATES, "Claims of the workload",
        "federated_jwt: claims that these tokens must have besides: NAME=VALUE, or /NAME/NAME=VALUE for one within another.",
        flag="--federated-claim", metavar="CLAIM")
    profile: Profile | None = _row(None, _AUTHENTICATES, "Security profile",
        "A set of rules that it keeps: members that are not set become what the profile demands, and others are refused where "
        "they contradict it (`mintmark client check`).", metavar="PROFILE")

    # fmt: on

    @property
    def public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 section 2.1)."""
        return self.auth_method is ClientAuthMethod.NONE


ROWS = {
    name: read_row(name, member, field)
    for name, field in ClientMetadata.model_fields.items()
    for member in field.metadata
    if isinstance(member, Member)
}
"""Every member except client_id, by its name."""
REGISTERED = {row.registered: row for row in ROWS.values() if row.registered}
"""The members that a client that registers itself may set, by their registered names."""
