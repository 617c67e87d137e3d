"""Server metadata (RFC 8414, OpenID Connect Discovery 3): the sum of the endpoints, and what belongs to none of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.endpoints.endpoint import Endpoint, MachineEndpoint
from service.issuer import Issuer
from service.protocol.claims import OURS, SCOPE_CLAIMS
from service.protocol.names import OPENID, SubjectType
from service.tokens.resources import offered_scopes

PATH = "/.well-known/oauth-authorization-server"
OPENID_PATH = "/.well-known/openid-configuration"

_ID_TOKEN_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid")


def discovery(issuer: Issuer, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the document for ``PATH`` and ``OPENID_PATH`` (RFC 8414 section 2, OpenID Connect Discovery section 3)."""
    document = _service(issuer)
    aliases: dict[str, str] = {}
    for endpoint in endpoints:
        if endpoint.is_on(issuer):
            members = endpoint.metadata(issuer)
            document |= members
            if isinstance(endpoint, MachineEndpoint):
                aliases |= _aliases(issuer, members)
    document["mtls_endpoint_aliases"] = aliases or None
    return {name: value for name, value in document.items() if value is not None}


def _aliases(issuer: Issuer, members: Mapping[str, object]) -> dict[str, str]:
    """Return the endpoints that ask clients for a certificate, if those are elsewhere (RFC 8705 section 5)."""
    return {
        name: issuer.mtls_url_of(str(url).removeprefix(issuer.url.rstrip("/")))
        for name, url in members.items()
        if issuer.settings.mtls_url and name.endswith("_endpoint") and url is not None
    }


def _service(issuer: Issuer) -> dict[str, Any]:
    settings, keyring = issuer.settings, issuer.keyring
    refused = {OPENID} if keyring is None else set()
    members: dict[str, Any] = {
        "issuer": issuer.url,
        "scopes_supported": sorted(offered_scopes(issuer) - refused) or None,
        "protected_resources": sorted(issuer.store.resources.known) or None,
        "client_id_metadata_document_supported": settings.client_metadata_documents or None,
        "op_policy_uri": settings.op_policy_uri,
        "op_tos_uri": settings.op_tos_uri,
    }
    if keyring is None:
        return members
    claims = {name for names in (*SCOPE_CLAIMS.values(), *settings.scope_claims.values()) for name in names}
    subject_types = [one.value for one in SubjectType if one is SubjectType.PUBLIC or settings.pairwise_salt]
    return members | {
        "subject_types_supported": subject_types,
        "id_token_signing_alg_values_supported": [algorithm.value for algorithm in keyring.algorithms],
        "claim_types_supported": ["normal"],
        "claims_supported": [*_ID_TOKEN_CLAIMS, *sorted(claims - OURS)],
    }
