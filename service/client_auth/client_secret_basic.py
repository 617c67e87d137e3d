"""client_secret_basic: HTTP Basic (RFC 6749 section 2.3.1, RFC 7617, IT-11)."""

from service.client_auth.evidence import EvidenceKind
from service.client_auth.method import Method
from service.client_auth.secret import verify_secret

METHOD = Method(
    name="client_secret_basic",
    accepts=frozenset({EvidenceKind.BASIC}),
    verify=verify_secret,
    has_secret=True,
    help="A secret in the Authorization header only.",
)
