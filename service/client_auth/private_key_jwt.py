"""private_key_jwt: an assertion signed with a key of the client's jwks or jwks_uri (OpenID Connect Core 9, IT-14)."""

from service.client_auth.assertion import verify_assertion
from service.client_auth.evidence import EvidenceKind
from service.client_auth.method import Method
from service.crypto.client_keys import ALGORITHMS

METHOD = Method(
    name="private_key_jwt",
    accepts=frozenset({EvidenceKind.SIGNED_ASSERTION}),
    verify=verify_assertion,
    has_secret=False,
    help="Signs with a key pair of its own; we only know the public key. The strongest.",
    signing_algorithms=tuple(ALGORITHMS),
)
