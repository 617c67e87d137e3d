"""client_secret_jwt: an assertion signed with the client's secret (OpenID Connect Core 9, IT-15).

This needs the secret itself, so it is stored encrypted under the master key in addition to its hash.
"""

from service.client_auth.assertion import verify_assertion
from service.client_auth.evidence import EvidenceKind
from service.client_auth.method import Method
from service.tokens.assertions import HMAC

METHOD = Method(
    name="client_secret_jwt",
    accepts=frozenset({EvidenceKind.HMAC_ASSERTION}),
    verify=verify_assertion,
    has_secret=True,
    help="Signs a short-lived JWT with the secret, which never travels. Needs master_key here.",
    signing_algorithms=HMAC,
    is_on=lambda issuer: bool(issuer.sealing.current),
)
