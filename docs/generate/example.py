"""An issuer with everything on that adds to its metadata: never served, only asked what it would say."""

from types import SimpleNamespace
from typing import Any

from service.crypto.sealing import Sealing
from service.issuer import Issuer
from service.settings import Settings

_MASTER_KEY = "x" * 40
_PLAIN = {"issuer": "https://auth.example.com", "master_key": _MASTER_KEY}
_EVERYTHING: dict[str, Any] = _PLAIN | {
    "mtls_url": "https://mtls.auth.example.com",
    "forwarded_certificate": "rfc9440",
    "trusted_proxies": ("10.0.0.0/8",),
    "registration": "open",
    "grant_management": True,
    "encryption_algorithms": ("RSA-OAEP-256", "ECDH-ES"),
    "pairwise_salt": "x" * 16,
    "client_metadata_documents": True,
    "authorization_details_types": {"payment": {"title": "Pay"}},
    "op_policy_uri": "https://example.com/policy",
    "op_tos_uri": "https://example.com/terms",
}
"""Settings that add to metadata."""


def issuer(*, everything: bool = False) -> Issuer:
    """One with signing keys and a master key; else by default, or with everything on. No environment is read."""
    settings = Settings(**(_EVERYTHING if everything else _PLAIN))
    parts: dict[str, Any] = dict.fromkeys(Issuer.__dataclass_fields__)
    return Issuer(
        **parts
        | {
            "url": settings.issuer,
            "settings": settings,
            "sealing": Sealing((_MASTER_KEY,)),
            "keyring": SimpleNamespace(algorithms=settings.signing_algorithms),
            "store": SimpleNamespace(resources=SimpleNamespace(known={})),
        }
    )
