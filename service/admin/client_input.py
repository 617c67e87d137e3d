"""A client as an operator describes it, or a client itself: one model, every fault told by the name of the member."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from service.admin.input import Identifier, Input, LongText, Number, Properties, Resource, ShortText, each_once
from service.crypto.client_keys import MAX_KEYS, MEMBERS, is_for_signatures
from service.crypto.client_keys import parsed as parsed_keys
from service.grants import GRANT_TYPES
from service.protocol import redirect_uris, scopes
from service.protocol.claims import MAX_CLAIM_NAME, check_claim_name
from service.protocol.errors import InvalidScope
from service.protocol.names import (
    AccessTokenFormat,
    ApplicationType,
    ClientAuthMethod,
    GrantTypeName,
    HmacAlgorithm,
    RefreshRotation,
    ResponseType,
    SigningAlgorithm,
    SubjectType,
)
from service.protocol.redaction import check_no_credential

_LONGEST = 2_147_483_647
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a JWK that only its owner may know (RFC 7518 section 6)."""


def _known_grant_type(name: str) -> str:
    if name not in GRANT_TYPES and name not in (GrantTypeName.IMPLICIT, GrantTypeName.TOKEN_EXCHANGE):
        raise ValueError(f"there is no such grant type here; there are {', '.join(GRANT_TYPES)}")
    return name


def _scope_word(word: str) -> str:
    try:
        words = scopes.parse(word)
    except InvalidScope as error:
        raise ValueError("printable ASCII without quote and backslash, single words (RFC 6749 section 3.3)") from error
    if words != (word,):
        raise ValueError("must be one word each")
    return check_no_credential(word)


def _redirect_uri(uri: str) -> str:
    return check_no_credential(redirect_uris.check_registrable(uri))


def _web_uri(uri: str) -> str:
    """https, or http on loopback for development; what is fetched there is a matter of the settings."""
    _redirect_uri(uri.partition("#")[0])
    check_no_credential(uri)
    if urlsplit(uri).scheme not in ("http", "https"):
        raise ValueError("must be an https URL")
    return uri


def _plain_web_uri(uri: str) -> str:
    if "#" in uri:
        raise ValueError("must not have a fragment")
    return _web_uri(uri)


def _public_keys(jwks: dict[str, Any]) -> dict[str, Any]:
    """Refuses what should never have left its owner, and what cannot be used; keep what we look at, and nothing else."""
    members = jwks.get("keys")
    if not isinstance(members, list) or not 1 <= len(members) <= MAX_KEYS:
        raise ValueError(f"must be a JWK set with 1 to {MAX_KEYS} keys")
    if any(not isinstance(member, dict) or _PRIVATE & set(member) for member in members):
        raise ValueError("holds a private or symmetric key: give the public ones only, and replace that key")
    if any(not isinstance(member[name], str) for member in members for name in MEMBERS & set(member)):
        raise ValueError("holds a key with a member that is no text (RFC 7517 section 4)")
    if len(parsed_keys(jwks)) != sum(map(is_for_signatures, members)):
        raise ValueError("holds a key that cannot be used: EC, Ed25519, or RSA with 2048 to 4096 bits (RFC 7517)")
    kids = [check_no_credential(member["kid"]) for member in members if "kid" in member]
    if len(kids) != len(set(kids)):
        raise ValueError("two keys have the same kid")
    return {"keys": [{name: member[name] for name in member if name in MEMBERS} for member in members]}


PublicKeys = Annotated[dict[str, Any], AfterValidator(_public_keys)]
WebUri = Annotated[str, Field(max_length=2000), AfterValidator(_web_uri)]
PlainWebUri = Annotated[str, Field(max_length=2000), AfterValidator(_plain_web_uri)]
WebUris = Annotated[tuple[WebUri, ...], Field(max_length=100), AfterValidator(each_once)]
GrantTypes = Annotated[tuple[Annotated[str, AfterValidator(_known_grant_type)], ...], AfterValidator(each_once)]
RedirectUris = Annotated[
    tuple[Annotated[str, Field(max_length=2000), AfterValidator(_redirect_uri)], ...],
    Field(max_length=200),
    AfterValidator(each_once),
]
Scopes = Annotated[tuple[Annotated[str, AfterValidator(_scope_word)], ...], AfterValidator(each_once)]
Resources = Annotated[tuple[Resource, ...], AfterValidator(each_once)]
ClaimNames = Annotated[
    tuple[Annotated[str, Field(max_length=MAX_CLAIM_NAME), AfterValidator(check_claim_name)], ...],
    Field(max_length=32),
    AfterValidator(each_once),
]
Lifetime = Annotated[Number, Field(ge=1, le=_LONGEST)]
LifetimeOrNever = Annotated[Number, Field(ge=0, le=_LONGEST)]


class ClientInput(Input):
    """A client as an operator describes it; the members mean what they do in ``records.client.Client``."""

    client_id: Identifier
    name: ShortText = ""
    description: LongText = ""
    alias: Identifier | None = None
    auth_method: ClientAuthMethod = ClientAuthMethod.CLIENT_SECRET_BASIC
    grant_types: GrantTypes = ()
    redirect_uris: RedirectUris = ()
    scopes: Scopes = ()
    default_scope: str | None = None
    audiences: Resources = ()
    introspect: bool = False
    resources: Resources = ()
    properties: Properties = ()
    require_pkce: bool = False
    allow_plain_pkce: bool = False
    code_lifetime: Lifetime | None = None
    access_token_lifetime: Lifetime | None = None
    refresh_idle_lifetime: LifetimeOrNever | None = None
    refresh_absolute_lifetime: LifetimeOrNever | None = None
    refresh_limit: LifetimeOrNever | None = None
    refresh_rotation: RefreshRotation | None = None
    refresh_grace: Annotated[Number, Field(ge=0, le=300)] | None = None
    response_types: Annotated[tuple[ResponseType, ...], AfterValidator(each_once)] = (ResponseType.CODE,)
    application_type: ApplicationType = ApplicationType.WEB
    skip_consent: bool = False
    subject_type: SubjectType = SubjectType.PUBLIC
    sector_identifier_uri: WebUri | None = None
    id_token_signed_response_alg: SigningAlgorithm | None = None
    id_token_lifetime: Annotated[Number, Field(ge=1, le=86400)] | None = None
    userinfo_signed_response_alg: SigningAlgorithm | None = None
    jwks: PublicKeys | None = None
    jwks_uri: WebUri | None = None
    request_object_signing_alg: SigningAlgorithm | None = None
    require_signed_request_object: bool = False
    request_uris: WebUris = ()
    default_max_age: LifetimeOrNever | None = None
    require_auth_time: bool = False
    default_acr_values: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    post_logout_redirect_uris: RedirectUris = ()
    backchannel_logout_uri: PlainWebUri | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: PlainWebUri | None = None
    frontchannel_logout_session_required: bool = False
    initiate_login_uri: WebUri | None = None
    client_uri: WebUri | None = None
    logo_uri: WebUri | None = None
    policy_uri: WebUri | None = None
    tos_uri: WebUri | None = None
    contacts: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    may_assert_subjects: bool = False
    access_token_format: AccessTokenFormat | None = None
    access_token_signing_alg: SigningAlgorithm | None = None
    introspection_signed_response_alg: SigningAlgorithm | None = None
    token_endpoint_auth_signing_alg: SigningAlgorithm | HmacAlgorithm | None = None
    strict_assertion_audience: bool = False
    access_token_claims: ClaimNames = ()

    @property
    def public(self) -> bool:
        """Whether it proves nothing."""
        return self.auth_method is ClientAuthMethod.NONE

    @classmethod
    def disagreements(cls) -> Sequence[Callable[["ClientInput"], Iterable[str]]]:
        return [partial(_fault_of, refused, text) for refused, text in _COMBINATIONS]

    def members(self) -> dict[str, Any]:
        """By the names of the record's fields."""
        members = {name: getattr(self, name) for name in ClientInput.model_fields}
        if any(one.parts - {"code"} for one in self.response_types) and GrantTypeName.IMPLICIT not in self.grant_types:
            members["grant_types"] = (*self.grant_types, GrantTypeName.IMPLICIT.value)  # RFC 7591 2.1: they go together
        return members | {"properties": tuple(member.record() for member in self.properties)}


def _fault_of(refused: Callable[[ClientInput], bool], text: str, given: ClientInput) -> list[str]:
    return [text] if refused(given) else []


def _default_scope_is_allowed(given: ClientInput) -> bool:
    try:
        return set(scopes.parse(given.default_scope or "")) <= set(given.scopes)
    except InvalidScope:
        return False


def _signs_as_it_authenticates(given: ClientInput) -> bool:
    """A secret makes HMACs, a key pair signatures; the other methods sign nothing to authenticate, but may vouch for others."""
    algorithm = given.token_endpoint_auth_signing_alg
    if algorithm is None:
        return True
    return isinstance(algorithm, HmacAlgorithm) == (given.auth_method is ClientAuthMethod.CLIENT_SECRET_JWT)


def _front_channel_is_at_home(given: ClientInput) -> bool:
    """OpenID Connect Front-Channel Logout 2."""
    if given.frontchannel_logout_uri is None:
        return True
    home = urlsplit(given.frontchannel_logout_uri)[:2]
    return any(urlsplit(uri)[:2] == home for uri in given.redirect_uris)


def _refreshes_nothing(given: ClientInput) -> bool:
    """refresh_token is there, but no grant type that would ever issue one."""
    beside = set(given.grant_types) - {GrantTypeName.REFRESH_TOKEN, GrantTypeName.CLIENT_CREDENTIALS}
    return GrantTypeName.REFRESH_TOKEN in given.grant_types and not beside


_COMBINATIONS: tuple[tuple[Callable[[ClientInput], bool], str], ...] = (
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
        lambda given: not _signs_as_it_authenticates(given),
        "token_endpoint_auth_signing_alg: HS… is for client_secret_jwt, the others are for key pairs",
    ),
    (
        lambda given: given.may_assert_subjects and GrantTypeName.JWT_BEARER not in given.grant_types,
        f"may_assert_subjects: goes with the grant type {GrantTypeName.JWT_BEARER}",
    ),
    (
        lambda given: given.alias == given.client_id,
        "alias: must differ from the client_id",
    ),
)
