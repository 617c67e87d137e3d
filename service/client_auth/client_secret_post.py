"""client_secret_post: client_id and client_secret in the form (RFC 6749 section 2.3.1)."""

from service.client_auth.evidence import EvidenceKind
from service.client_auth.method import Method
from service.client_auth.secret import verify_secret

METHOD = Method(
    name="client_secret_post",
    accepts=frozenset({EvidenceKind.POST}),
    verify=verify_secret,
    has_secret=True,
    help="A secret in the form only.",
)
