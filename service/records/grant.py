"""The grant: who allowed which client what. Everything a grant issues names it and dies with it."""

from typing import Any

from service.records.json import Record
from service.records.property import Property


class Grant(
    Record,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={
        "client_id": "c",
        "subject": "u",
        "username": "n",
        "scope": "s",
        "grant_type": "t",
        "client_generation": "v",
        "issued_at": "i",
        "audience": "a",
        "auth_time": "at",
        "acr": "ac",
        "amr": "am",
        "session": "se",
        "properties": "p",
        "userinfo_claims": "uc",
        "id_token_claims": "ic",
        "sub": "sb",
        "access_token_claims": "tc",
    },
):
    """A permission of a user for a client, or of a client for itself."""

    client_id: str
    subject: str = ""  # empty for client_credentials
    username: str = ""  # empty where it equals the subject
    scope: str = ""  # space-separated
    grant_type: str = "authorization_code"  # how the grant came to be (IA-13 to IA-17)
    client_generation: int = 0  # of the client record at the time (see Client)
    issued_at: int = 0  # epoch seconds, 0 where unknown
    audience: tuple[str, ...] = ()
    auth_time: int = 0  # epoch seconds, 0 where unknown
    acr: str = ""
    amr: tuple[str, ...] = ()
    session: str = ""  # ``sid`` of the session in which it was given
    properties: tuple[Property, ...] = ()
    userinfo_claims: tuple[str, ...] = ()  # names that the claims parameter requests at UserInfo
    id_token_claims: dict[str, Any] = {}
    """Values that the claims parameter put into ID tokens, as they were at consent."""
    sub: str = ""  # what clients call the subject, where a caller of the decision API said so
    access_token_claims: dict[str, Any] | None = None
    """Claims about the user for access tokens; None: not looked up. A value of None: the user has no such claim."""

    @property
    def name(self) -> str:
        """The username for display; the subject where no other is known."""
        return self.username or self.subject
