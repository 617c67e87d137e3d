"""client_secret: a secret by HTTP Basic or in the form, whichever the client's library uses (RFC 6749 section 2.3.1).

The RFCs have no name for both: registration returns client_secret_basic.
"""

from service.client_auth.evidence import EvidenceKind
from service.client_auth.method import Method
from service.client_auth.secret import verify_secret

METHOD = Method(
    name="client_secret",
    accepts=frozenset({EvidenceKind.BASIC, EvidenceKind.POST}),
    verify=verify_secret,
    has_secret=True,
    help="A secret, in the Authorization header or in the form: whichever the client's library uses "
    "(client_secret_basic or client_secret_post).",
    registered_name="client_secret_basic",
)
