"""Inspection of a token or other text: read as every endpoint reads tokens, with the reasons why it would be refused.

It is for operators only. The inspected text is neither stored nor logged, and is in no result.
"""

from service.admin.inspection.credentials import OPENERS
from service.admin.inspection.finding import Inspection, What, Why
from service.admin.inspection.jwts import LONGEST, inspect_jwt
from service.issuer import Issuer
from service.protocol import credentials
from service.protocol.credentials import Kind


async def inspect(issuer: Issuer, text: str) -> Inspection:
    """Find out what the text is, whose, what it allows, until when, and why it would be refused. Blanks around it are ignored.

    Raises TemporarilyUnavailable.
    """
    token = text.strip()
    if len(token) > LONGEST or not token.isascii() or not token:
        return Inspection(What.UNKNOWN, (Why.MALFORMED,))
    credential = credentials.parse(token)
    if credential is not None and credential.kind in OPENERS:
        return await OPENERS[credential.kind](issuer, credential)
    for kind in Kind:
        if kind not in OPENERS and token.startswith(kind):
            return Inspection(What.OTHER_CREDENTIAL, (Why.NO_TOKEN,), kind=kind.name.lower())
    if token.count(".") == 2:
        return await inspect_jwt(issuer, token)
    return Inspection(What.UNKNOWN, (Why.MALFORMED,))
