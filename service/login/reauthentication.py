"""When a signed-in user must sign in again: on request, after too long, or because the client expects another user."""

from service.issuer import Issuer
from service.login.expected_user import is_expected
from service.login.interaction import ClientInteraction
from service.protocol.names import Prompt
from service.records.session import Session


def must_sign_in_again(issuer: Issuer, interaction: ClientInteraction, session: Session) -> bool:
    """Whether a session is not enough for this authorization request (OpenID Connect Core 3.1.2.3).

    Both ends of an age are whole seconds, so it may be almost one more than it seems: never older than max_age, and max_age=0
    is prompt=login (OpenID Connect Core 3.1.2.1).
    """
    progress, request = interaction.progress, interaction.request
    if progress.proved_at:
        return False
    if progress.anew or Prompt.LOGIN in request.prompt or not is_expected(issuer, interaction, session):
        return True
    return request.max_age is not None and int(issuer.clock()) - session.auth_time >= request.max_age
