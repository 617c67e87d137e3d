"""none: a public client that only names itself (RFC 6749 section 2.1, WM-06); PKCE and rotation protect it."""

from service.client_auth.evidence import ClientEvidence, EvidenceKind
from service.client_auth.method import HOLDS, Method, Proof
from service.issuer import Issuer
from service.records.client import Client


async def verify(_issuer: Issuer, _client: Client, _evidence: ClientEvidence) -> Proof | None:
    """Accept the client without evidence."""
    return HOLDS


METHOD = Method(
    name="none",
    accepts=frozenset({EvidenceKind.CLIENT_ID}),
    verify=verify,
    has_secret=False,
    help="Proves nothing, since it cannot keep a secret: browsers and phones. PKCE protects its codes.",
)
