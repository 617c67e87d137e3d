"""Rules about which members of client metadata go together: each is a pure check with its text."""

from collections.abc import Callable
from urllib.parse import urlsplit

from service.protocol import scopes
from service.protocol.client_metadata import ClientMetadata
from service.protocol.errors import InvalidScope
from service.protocol.names import ClientAuthMethod, DeliveryMode, GrantTypeName, HmacAlgorithm, KeyManagement


def _default_scope_is_allowed(given: ClientMetadata) -> bool:
    try:
        return set(scopes.parse(given.default_scope or "")) <= set(given.scopes)
    except InvalidScope:
        return False


def _signs_as_it_authenticates(given: ClientMetadata) -> bool:
    """Whether the signing algorithm fits the authentication method.

    A secret makes HMACs, a key pair signatures; clients of the other methods may only sign to assert subjects.
    """
    algorithm = given.token_endpoint_auth_signing_alg
    if algorithm is None:
        return True
    return isinstance(algorithm, HmacAlgorithm) == (given.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT)


def _front_channel_is_at_home(given: ClientMetadata) -> bool:
    """Whether the front-channel logout URI has scheme and host of a redirect URI (OpenID Connect Front-Channel Logout 2)."""
    if given.frontchannel_logout_uri is None:
        return True
    home = urlsplit(given.frontchannel_logout_uri)[:2]
    return any(urlsplit(uri)[:2] == home for uri in given.redirect_uris)


def _refreshes_nothing(given: ClientMetadata) -> bool:
    """Whether refresh_token is among the grant types, but none that ever issues a refresh token."""
    others = set(given.grant_types) - {GrantTypeName.REFRESH_TOKEN, GrantTypeName.CLIENT_CREDENTIALS}
    return GrantTypeName.REFRESH_TOKEN in given.grant_types and not others


def _certificate_names(given: ClientMetadata) -> int:
    """Return the number of members that name the subject of a certificate."""
    return sum(
        value is not None
        for value in (
            given.tls_client_auth_subject_dn,
            given.tls_client_auth_san_dns,
            given.tls_client_auth_san_uri,
            given.tls_client_auth_san_ip,
            given.tls_client_auth_san_email,
        )
    )


def _has_no_keys(given: ClientMetadata) -> bool:
    return given.jwks is None and given.jwks_uri is None


def _shows_no_certificate(given: ClientMetadata) -> bool:
    """Whether it authenticates by a self-signed certificate, but its keys have none (RFC 8705 section 2.2.2)."""
    if given.auth_method is not ClientAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH:
        return False
    keys = (given.jwks or {}).get("keys", ())
    return _has_no_keys(given) or (given.jwks is not None and not any(key.get("x5c") for key in keys))


def _key_managements(given: ClientMetadata) -> list[KeyManagement]:
    """Return the algorithms by which responses to the client are encrypted."""
    named = (getattr(given, f"{kind}_encrypted_response_alg") for kind in _ENCRYPTED)
    return [one for one in named if one is not None]


def _encrypts_by_an_unreadable_secret(given: ClientMetadata) -> bool:
    """Whether it encrypts by a secret that is stored as a hash, and so cannot be read again."""
    ours, theirs = _key_managements(given), given.request_object_encryption_alg
    is_symmetric = any(one.is_symmetric for one in (*ours, *((theirs,) if theirs else ())))
    return is_symmetric and given.auth_method is not ClientAuthMethod.CLIENT_SECRET_JWT


def _names_content_encryption_alone(given: ClientMetadata) -> bool:
    return any(
        getattr(given, f"{kind}_encrypted_response_enc") and not getattr(given, f"{kind}_encrypted_response_alg")
        for kind in _ENCRYPTED
    ) or bool(given.request_object_encryption_enc and not given.request_object_encryption_alg)


def _is_notified(given: ClientMetadata) -> bool:
    return given.backchannel_token_delivery_mode in (DeliveryMode.PING, DeliveryMode.PUSH)


_ENCRYPTED = ("id_token", "userinfo", "authorization", "introspection")
COMBINATIONS: tuple[tuple[Callable[[ClientMetadata], bool], str], ...] = (
    (
        lambda given: given.public and GrantTypeName.CLIENT_CREDENTIALS in given.grant_types,
        "grant_types: client_credentials is for confidential clients; a public one has proved nothing (RFC 6749 4.4)",
    ),
    (
        lambda given: given.public and given.introspect,
        "introspect: a public client cannot prove who it is; register the resource server as a confidential client",
    ),
    (
        lambda given: GrantTypeName.AUTHORIZATION_CODE in given.grant_types and not given.redirect_uris,
        "redirect_uris: authorization_code needs at least one redirect URI",
    ),
    (
        _refreshes_nothing,
        "grant_types: refresh_token needs a grant type beside it that issues refresh tokens, e.g. authorization_code",
    ),
    (
        lambda given: not given.grant_types and not given.introspect,
        "grant_types: name at least one, or give a resource server the introspect right; else it can do nothing",
    ),
    (
        lambda given: bool(given.resources) and not given.introspect,
        "resources: they say whose tokens the client may introspect; give it the introspect right too",
    ),
    (
        lambda given: not _default_scope_is_allowed(given),
        "default_scope: every word of it must be one of the client's scopes",
    ),
    (
        lambda given: any(one.parts - {"code"} for one in given.response_types) and not given.redirect_uris,
        "redirect_uris: tokens from the authorization endpoint need at least one redirect URI",
    ),
    (
        lambda given: given.jwks is not None and given.jwks_uri is not None,
        "jwks: give the keys or their jwks_uri, not both (RFC 7591 section 2)",
    ),
    (
        lambda given: given.require_signed_request_object and given.jwks is None and given.jwks_uri is None,
        "require_signed_request_object: needs jwks or jwks_uri to verify the requests with",
    ),
    (
        lambda given: not _front_channel_is_at_home(given),
        "frontchannel_logout_uri: must have the scheme, host and port of one of the redirect URIs",
    ),
    (
        lambda given: (
            given.auth_method is ClientAuthMethod.PRIVATE_KEY_JWT and given.jwks is None and given.jwks_uri is None
        ),
        "auth_method: private_key_jwt needs jwks or jwks_uri to verify the assertions with",
    ),
    (
        lambda given: _certificate_names(given) > 1,
        "tls_client_auth_subject_dn, tls_client_auth_san_…: give exactly one of them (RFC 8705 section 2.1.2)",
    ),
    (
        lambda given: given.auth_method is ClientAuthMethod.TLS_CLIENT_AUTH and not _certificate_names(given),
        "auth_method: tls_client_auth needs what its certificate names: tls_client_auth_subject_dn, or one of "
        "tls_client_auth_san_dns, _uri, _ip, _email (RFC 8705 section 2.1.2)",
    ),
    (
        _shows_no_certificate,
        "auth_method: self_signed_tls_client_auth needs jwks with its certificate as x5c, or a jwks_uri",
    ),
    (
        lambda given: (
            given.auth_method is ClientAuthMethod.FEDERATED_JWT
            and (given.federated_issuer is None or given.federated_subject is None)
        ),
        "auth_method: federated_jwt needs federated_issuer and federated_subject, whose tokens prove the client",
    ),
    (
        lambda given: not _signs_as_it_authenticates(given),
        "token_endpoint_auth_signing_alg: HS… is for client_secret_jwt, the others are for key pairs",
    ),
    (
        lambda given: given.may_assert_subjects and GrantTypeName.JWT_BEARER not in given.grant_types,
        f"may_assert_subjects: goes with the grant type {GrantTypeName.JWT_BEARER}",
    ),
    (
        lambda given: given.dpop_bound_access_tokens and any("token" in one.parts for one in given.response_types),
        "dpop_bound_access_tokens: the authorization endpoint cannot bind the access tokens of response_types with token",
    ),
    (
        lambda given: (
            given.tls_client_certificate_bound_access_tokens
            and any("token" in one.parts for one in given.response_types)
        ),
        "tls_client_certificate_bound_access_tokens: the authorization endpoint cannot bind the access tokens of "
        "response_types with token",
    ),
    (
        lambda given: any(not one.is_symmetric for one in _key_managements(given)) and _has_no_keys(given),
        "jwks: encrypted responses need jwks or jwks_uri, with a key to encrypt for",
    ),
    (
        _names_content_encryption_alone,
        "…_encrypted_response_enc, request_object_encryption_enc: go with …_alg (OpenID Connect Dynamic Client Registration 2)",
    ),
    (
        _encrypts_by_an_unreadable_secret,
        "…_encrypted_response_alg, request_object_encryption_alg: dir, A128KW and A256KW take the client's secret as key, "
        "which can be read again with auth_method client_secret_jwt alone: of the others we keep hashes",
    ),
    (
        lambda given: given.public and GrantTypeName.CIBA in given.grant_types,
        f"grant_types: {GrantTypeName.CIBA} is for confidential clients; a public one has proved nothing (CIBA Core 7.1)",
    ),
    (
        lambda given: _is_notified(given) and given.backchannel_client_notification_endpoint is None,
        "backchannel_client_notification_endpoint: ping and push need one (CIBA Core 4)",
    ),
    (
        lambda given: (
            given.backchannel_token_delivery_mode is DeliveryMode.PUSH
            and (given.dpop_bound_access_tokens or given.tls_client_certificate_bound_access_tokens)
        ),
        "backchannel_token_delivery_mode: tokens that are delivered (push) cannot be bound to a key of the client",
    ),
    (
        lambda given: given.backchannel_authentication_request_signing_alg is not None and _has_no_keys(given),
        "backchannel_authentication_request_signing_alg: needs jwks or jwks_uri to verify the requests with",
    ),
    (
        lambda given: given.alias == given.client_id,
        "alias: must differ from the client_id",
    ),
)
