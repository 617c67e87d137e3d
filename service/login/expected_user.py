"""The user that a client named in its request, and whether it is the one who signed in (OpenID Connect Core 3.1.2.1, 5.5.1)."""

from service.issuer import Issuer
from service.login.interaction import ClientInteraction
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.errors import InvalidRequest
from service.records.client import Client
from service.records.session import Session
from service.tokens.id_tokens import read_hint, subject_for


async def expected_subject(issuer: Issuer, client: Client, request: AuthorizationRequest) -> str:
    """Return the subject that the client named by an ID token or the claims parameter, as it knows them, "" = no user.

    Raises InvalidRequest for an invalid hint.
    """
    if request.id_token_hint is not None:
        hint = await read_hint(issuer, request.id_token_hint, client)
        if hint is None or hint.client_id != client.client_id:
            raise InvalidRequest("id_token_hint is not an ID token that this client got here.")
        return hint.subject
    sub_request = request.claims.id_token.get("sub") or request.claims.userinfo.get("sub")
    wanted = sub_request.values[0] if sub_request and len(sub_request.values) == 1 else ""
    return wanted if isinstance(wanted, str) else ""


def is_expected(issuer: Issuer, interaction: ClientInteraction, session: Session) -> bool:
    """Whether the user of the session is the one who was named, or none was."""
    known_as = subject_for(issuer, interaction.client, session.subject)
    return interaction.expects in {"", known_as} and interaction.request.claims.accept_subject(known_as)
