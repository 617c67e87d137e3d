"""DPoP (RFC 9449): the proofs by which clients bind tokens to a key."""

from typing import Annotated

from pydantic import Field

from service.protocol.names import SigningAlgorithm
from service.settings.group import SettingsGroup, Unit


class DpopSettings(SettingsGroup):
    """DPoP."""

    dpop_signing_algorithms: Annotated[tuple[SigningAlgorithm, ...], Field(min_length=1)] = (
        SigningAlgorithm.ES256,
        SigningAlgorithm.PS256,
        SigningAlgorithm.EDDSA,
        SigningAlgorithm.ES384,
    )
    """Signing algorithms of DPoP proofs that are accepted."""
    dpop_proof_lifetime: Annotated[int, Field(ge=10, le=3600), Unit("seconds")] = 120
    """Seconds since its iat within which a DPoP proof is accepted, and remembered so that it counts once. With nonces the
    clock of the client does not matter."""
    dpop_nonce_required: bool = False
    """Require a nonce of ours in every DPoP proof: nobody can make proofs for later, at the price of a second request where a
    client has no nonce yet. Needs master_key or signing_key_files."""
    dpop_nonce_lifetime: Annotated[int, Field(ge=10, le=86400), Unit("seconds")] = 300
    """Seconds until there is a new nonce; the one before it is accepted for as long again."""
