"""A client as an operator, or the client itself, describes it: one model, in which every fault names the member."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from service.admin.input import Input, Properties, Rules
from service.crypto.client_certificates import MAX_CERTIFICATE
from service.crypto.client_keys import CERTIFICATES, MAX_KEYS, MEMBERS, certificate_in, is_for_signatures
from service.crypto.client_keys import parsed as parsed_keys
from service.grants import GRANT_TYPES
from service.protocol.checked_types import each_once
from service.protocol.client_metadata import ClientMetadata
from service.protocol.client_metadata_rules import COMBINATIONS
from service.protocol.names import GrantTypeName
from service.protocol.redaction import check_no_credential

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a JWK that only its owner may know (RFC 7518 section 6)."""


def _known_grant_type(name: str) -> str:
    if name not in GRANT_TYPES and name != GrantTypeName.IMPLICIT:
        raise ValueError(f"there is no such grant type here; there are {', '.join(GRANT_TYPES)}")
    return name


def _public_keys(jwks: dict[str, Any]) -> dict[str, Any]:
    """Refuse private and unusable keys, and keep only the members that are used."""
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
    return {"keys": list(map(_kept, members))}


def _kept(member: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a key that are used; of its certificates the first. Raises ValueError."""
    kept = {name: member[name] for name in member if name in MEMBERS}
    if CERTIFICATES not in member:
        return kept
    if len(certificate_in(member)) > MAX_CERTIFICATE:
        raise ValueError(f"holds a certificate with more than {MAX_CERTIFICATE} bytes")
    return kept | {CERTIFICATES: member[CERTIFICATES][:1]}


PublicKeys = Annotated[dict[str, Any], AfterValidator(_public_keys)]
GrantTypes = Annotated[tuple[Annotated[str, AfterValidator(_known_grant_type)], ...], AfterValidator(each_once)]


def _fault_of(refused: Callable[[ClientMetadata], bool], text: str, given: "ClientInput") -> list[str]:
    return [text] if refused(given) else []


class ClientInput(ClientMetadata, Input):
    """The table of client metadata, with the checks that need the registry of grant types and the reader of keys."""

    DISAGREEMENTS: ClassVar[Rules] = [partial(_fault_of, refused, text) for refused, text in COMBINATIONS]
    grant_types: GrantTypes = ()
    properties: Properties = ()
    jwks: PublicKeys | None = None

    def with_implicit(self) -> "ClientInput":
        """Return the client with the grant type implicit where its response types need it (RFC 7591 section 2.1)."""
        if GrantTypeName.IMPLICIT in self.grant_types or not any(one.parts - {"code"} for one in self.response_types):
            return self
        return self.model_copy(update={"grant_types": (*self.grant_types, GrantTypeName.IMPLICIT.value)})

    def members(self) -> dict[str, Any]:
        """Return the members by the names of the record's fields."""
        given = self.with_implicit()
        members = {name: getattr(given, name) for name in ClientInput.model_fields}
        return members | {"properties": tuple(member.record() for member in self.properties)}
